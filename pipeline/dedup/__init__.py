"""Exact and MinHash-LSH near-duplicates, verified and clustered. Pure."""
