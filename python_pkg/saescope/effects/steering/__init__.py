"""Text that a model writes with features changed, beside what it writes without."""
