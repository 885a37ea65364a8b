"""Serving: whether a model fits what it runs on."""
