"""Shared by tests: repositories in memory, ready-made projects, comparing with accepted output."""
