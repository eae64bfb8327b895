"""SAEs of the sae-lens registry, fetched by sae-lens from the hub or its cache."""

from typing import Any
from zipfile import BadZipFile

from saescope.errors import SaeSourceError
from saescope.sources.facts import FOLDED_SCALE
from saescope.sources.folder import BROKEN
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
        from sae_lens.loading.pretrained_saes_directory import get_norm_scaling_factor
        from torch import serialization

        try:
            sae = SAE.from_pretrained(release, sae_id, device=device, dtype=dtype)
        except OSError as err:
            raise SaeSourceError(
                f"the SAE {spec} could not be fetched: {str(err).splitlines()[0]}",
                hint="Can the hub be reached? Is the repository open to you? A cached copy works offline.",
            ) from err
        except (*BROKEN, serialization.pickle.UnpicklingError, BadZipFile) as err:  # pyright: ignore[reportPrivateImportUsage]
            raise SaeSourceError(
                f"the SAE {spec} could not be read as sae-lens reads it: {str(err)[:300] or type(err).__name__}.",
                hint="Is the file in the cache whole? Weights that are a pickle are read as weights only.",
            ) from err
        factor = get_norm_scaling_factor(release, sae_id)
        if factor is not None:
            sae.cfg.metadata[FOLDED_SCALE] = factor
        return sae, f"{release}/{sae_id}"
