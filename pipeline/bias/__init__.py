"""Lexicons, corpus measures and balancing weights. Pure."""
