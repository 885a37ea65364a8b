"""Prompts: their variables, and the rows that fill them."""
