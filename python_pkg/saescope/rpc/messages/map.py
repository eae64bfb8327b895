"""All features in two dimensions."""

METHODS: dict[str, tuple[type, type, type | None]] = {}
