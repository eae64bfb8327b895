"""The SAEs that can be loaded: sae-lens's list, and those on this machine's disk; see `registry`."""

from saescope.sources.registry.listing import registry

__all__ = ["registry"]
