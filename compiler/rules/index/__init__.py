"""Indexes: how documents are cut, embedded and kept."""
