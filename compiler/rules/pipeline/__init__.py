"""Pipelines, deploys and secrets."""
