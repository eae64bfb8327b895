"""What people write about features."""

METHODS: dict[str, tuple[type, type, type | None]] = {}
