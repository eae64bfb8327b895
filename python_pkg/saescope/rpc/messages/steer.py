"""Text that the model writes with features changed, beside what it writes without."""

METHODS: dict[str, tuple[type, type, type | None]] = {}
