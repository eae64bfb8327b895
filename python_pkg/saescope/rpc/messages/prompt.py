"""All features that fire on a text, ranked by what they do for its next token."""

METHODS: dict[str, tuple[type, type, type | None]] = {}
