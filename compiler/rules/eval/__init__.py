"""Evals: gates that can fail, and that something runs."""
