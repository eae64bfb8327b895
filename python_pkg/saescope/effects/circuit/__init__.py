"""Circuits one step out: what writes to a feature, and what reads it."""
