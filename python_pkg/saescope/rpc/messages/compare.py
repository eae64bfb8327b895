"""Features side by side."""

METHODS: dict[str, tuple[type, type, type | None]] = {}
