"""SAEs of the sae-lens registry, fetched by sae-lens from the hub or its cache."""

import difflib
from typing import Any

from saescope.errors import SaeSourceError


class ReleaseSource:
    """``"release/sae_id"``: the release is what stands before the first slash."""

    def can_load(self, spec: Any) -> bool:
        """Whether ``spec`` has the form of a release and an id."""
        return isinstance(spec, str) and "/" in spec

    def load(self, spec: Any, *, device: str, dtype: str) -> tuple[Any, str]:
        """Load with sae-lens, which knows each release's loader and scale."""
        release, _, sae_id = spec.partition("/")
        from sae_lens import SAE
        from sae_lens.loading.pretrained_saes_directory import get_pretrained_saes_directory

        directory = get_pretrained_saes_directory()
        if release not in directory:
            raise _unknown("release", release, list(directory), "no folder of that name exists either.")
        if sae_id not in directory[release].saes_map:
            raise _unknown("SAE", sae_id, list(directory[release].saes_map), f"wanted one of release {release}.")
        try:
            return SAE.from_pretrained(release, sae_id, device=device, dtype=dtype), spec
        except OSError as err:
            raise SaeSourceError(
                f"the SAE {spec} could not be fetched: {str(err).splitlines()[0]}",
                hint="Can the hub be reached? Is the repository open to you? A cached copy works offline.",
            ) from err


def _unknown(what: str, name: str, known: list[str], wanted: str) -> SaeSourceError:
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.4) or known[:3]
    return SaeSourceError(
        f"sae-lens's registry has no {what} {name!r}; {wanted}",
        hint=f"Near it: {', '.join(near)}." if near else "",
        near=near,
    )
