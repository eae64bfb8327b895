"""The SAE's and the index's own numbers."""

METHODS: dict[str, tuple[type, type, type | None]] = {}
