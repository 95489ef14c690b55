"""Versions of models, and what they are called."""
