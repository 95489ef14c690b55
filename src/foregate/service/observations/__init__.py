"""Observations: how they come in, and what is kept of them."""
