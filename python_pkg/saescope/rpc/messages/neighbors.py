"""Neighbors of a feature."""

METHODS: dict[str, tuple[type, type, type | None]] = {}
