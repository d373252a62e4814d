"""Heddle: raw text to an evaluated language model, every document accounted for."""
