"""Models: which ones are called, and what they can do."""
