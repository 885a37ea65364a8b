"""Flows: how their steps fit together."""
