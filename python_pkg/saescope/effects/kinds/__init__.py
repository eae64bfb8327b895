"""Kinds of ablation: what a feature's activation is set to.

A kind is a function ``(Subject, **options) -> NDArray``, decorated with `told`: see `Subject` and `About`.
"""

from saescope.registry import Registry

__all__ = ["REGISTRY"]

REGISTRY = Registry("ablations", {"zero": "saescope.effects.kinds.zero:zero"})
