"""SAEs that are already in memory."""

from typing import Any

from saescope.sources.sae import LoadedSae


class ObjectSource:
    """A sae-lens object, or what `load_sae` returned."""

    def can_load(self, spec: Any) -> bool:
        """Whether ``spec`` can encode and says how it is configured."""
        return isinstance(spec, LoadedSae) or (hasattr(spec, "encode") and hasattr(spec, "cfg"))

    def load(self, spec: Any, *, device: str, dtype: str) -> tuple[Any, str]:
        """Return the object as it is; ``device`` and ``dtype`` are the owner's to choose."""
        if isinstance(spec, LoadedSae):
            return spec.sae, spec.name
        metadata = spec.cfg.metadata
        return spec, f"{type(spec).__name__} on {metadata.get('hook_name') or 'an unknown site'}"
