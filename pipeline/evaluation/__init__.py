"""Scoring, metrics and intervals."""
