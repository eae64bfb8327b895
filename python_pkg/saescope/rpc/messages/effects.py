"""What changing a feature does to the model's output on a text."""

METHODS: dict[str, tuple[type, type, type | None]] = {}
