"""Prefect flows: when a stage runs, where, how often it is tried again, and what a person sees."""
