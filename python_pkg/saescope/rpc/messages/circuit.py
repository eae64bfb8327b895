"""What writes to a feature and what reads it, one step out."""

METHODS: dict[str, tuple[type, type, type | None]] = {}
