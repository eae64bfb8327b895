"""What fires on a text that a person types."""

METHODS: dict[str, tuple[type, type, type | None]] = {}
