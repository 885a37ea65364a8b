"""Gateways: routes and fallbacks, and the way of a call."""
