"""The command line: ``saescope demo | index | info | plugins``."""
