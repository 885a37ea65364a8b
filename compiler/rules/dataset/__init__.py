"""Datasets: files that can be read."""
