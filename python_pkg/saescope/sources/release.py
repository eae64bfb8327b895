"""SAEs of the sae-lens registry, fetched by sae-lens from the hub or its cache."""

from typing import Any

from saescope.errors import SaeSourceError
from saescope.sources.registry.naming import is_release, resolve


class ReleaseSource:
    """``"release/sae_id"``: the release is what stands before the first slash; or a release with one SAE."""

    def can_load(self, spec: Any) -> bool:
        """Whether ``spec`` has the form of a release and an id, or is the name of a release."""
        return isinstance(spec, str) and ("/" in spec or is_release(spec))

    def load(self, spec: Any, *, device: str, dtype: str) -> tuple[Any, str]:
        """Load with sae-lens, which knows each release's loader and scale.

        Raises
        ------
        SaeSourceError
            The registry has none such, or several, or it could not be fetched.
        """
        release, sae_id = resolve(spec)
        from sae_lens import SAE

        try:
            return SAE.from_pretrained(release, sae_id, device=device, dtype=dtype), f"{release}/{sae_id}"
        except OSError as err:
            raise SaeSourceError(
                f"the SAE {spec} could not be fetched: {str(err).splitlines()[0]}",
                hint="Can the hub be reached? Is the repository open to you? A cached copy works offline.",
            ) from err
