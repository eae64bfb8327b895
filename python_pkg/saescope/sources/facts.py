"""What an SAE's configuration says of itself, each fact of the type that it must have."""

import re
from collections.abc import Mapping
from typing import Any

from saescope.errors import SaeSourceError

SITE_NAME = re.compile(r"(?!.*(?:^|\.)__)[A-Za-z_][\w.\-]{0,199}", re.ASCII)
MAX_WHOLE = 1 << 31
MAX_TEXT = 1_000
FOLDED_SCALE = "saescope_folded_scale"
"""In the metadata of an SAE whose activations were scaled in training, once that is folded into its weights."""


class Facts:
    """A configuration's metadata, read fact by fact.

    Parameters
    ----------
    metadata
        What sae-lens keeps of it; has ``get``.
    name
        The SAE's, for errors.
    """

    def __init__(self, metadata: Any, name: str) -> None:
        self._metadata = metadata
        self._name = name

    def _refuse(self, key: str, wanted: str, came: Any) -> SaeSourceError:
        return SaeSourceError(
            f"the SAE {self._name} has a configuration whose {key} is {wanted}, and {str(came)[:60]!r} came.",
            hint="Correct it in cfg.json, or get the SAE again.",
        )

    def site(self, key: str) -> str | None:
        """The name of a hook or a module, ``None`` without one.

        Raises
        ------
        SaeSourceError
            It cannot be one; names of Python's own (``__class__``) are none.
        """
        value = self._metadata.get(key)
        if value is None or value == "":
            return None
        if not isinstance(value, str) or SITE_NAME.fullmatch(value) is None:
            raise self._refuse(key, "the name of a site", value)
        return value

    def sites(self, key: str) -> tuple[str, ...]:
        """Several names of sites; none at all without any."""
        value = self._metadata.get(key) or ()
        if not isinstance(value, list | tuple) or not all(isinstance(v, str) and SITE_NAME.fullmatch(v) for v in value):
            raise self._refuse(key, "a list of sites", value)
        return tuple(value)

    def whole(self, key: str, low: int = 0) -> int | None:
        """A whole number from ``low`` on, ``None`` without one."""
        value = self._metadata.get(key)
        if value is None:
            return None
        if type(value) is not int or not low <= value < MAX_WHOLE:
            raise self._refuse(key, f"a whole number from {low} on", value)
        return value

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        value = self._metadata.get(key)
        if value is not None and not isinstance(value, bool):
            raise self._refuse(key, "true or false", value)
        return default if value is None else value

    def text(self, key: str) -> str:
        """A line of text; empty without one."""
        value = self._metadata.get(key)
        if value is not None and (not isinstance(value, str) or len(value) > MAX_TEXT):
            raise self._refuse(key, f"a text of at most {MAX_TEXT:,} characters", value)
        return value or ""

    def scale(self, key: str) -> float | None:
        """A number above 0, ``None`` without one."""
        value = self._metadata.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
            raise self._refuse(key, "a number above 0", value)
        return float(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """Several texts; none at all without any."""
        value = self._metadata.get(key) or ()
        if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
            raise self._refuse(key, "a list of texts", value)
        return tuple(value)

    def mapping(self, key: str) -> Mapping[str, Any]:
        """Values by name; empty without any."""
        value = self._metadata.get(key)
        if value is not None and (not isinstance(value, Mapping) or not all(isinstance(k, str) for k in value)):
            raise self._refuse(key, "an object", value)
        return value or {}

    def first_position(self, key: str) -> int:
        """The start of a ``seqpos_slice``, which sae-lens keeps as the arguments of a ``slice``."""
        value = self._metadata.get(key)
        if value is None:
            return 0
        is_whole = isinstance(value, list | tuple) and all(v is None or type(v) is int for v in value)
        if not is_whole or not len(value) <= 3:
            raise self._refuse(key, "a list of up to three whole numbers", value)
        start = slice(*value).start if value else None
        return start if start is not None and 0 < start < MAX_WHOLE else 0


def check_weights(sae: Any, name: str) -> None:
    """Refuse an SAE whose sizes do not make sense, or with weights that are not finite.

    Raises
    ------
    SaeSourceError
        So it is.
    """
    cfg = sae.cfg
    sizes = {key: getattr(cfg, key, None) for key in ("d_in", "d_sae", "d_out", "k")}
    for key, value in sizes.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or not value > 0):
            raise SaeSourceError(
                f"the SAE {name} has a configuration whose {key} is {str(value)[:40]!r}: wanted a number above 0."
            )
    if cfg.architecture() == "topk" and sizes["k"] is not None and sizes["k"] > cfg.d_sae:
        raise SaeSourceError(f"the SAE {name} has k {sizes['k']}, more than its {cfg.d_sae} features.")
    for part, tensor in sae.state_dict().items():
        if not tensor.is_floating_point():
            raise SaeSourceError(f"{part} of the SAE {name} is of {tensor.dtype}: weights are floating-point numbers.")
        if not tensor.numel():
            continue
        low, high = tensor.detach().aminmax()
        if not bool((low - high).isfinite()):
            raise SaeSourceError(
                f"{part} of the SAE {name} holds numbers that are not finite.",
                hint="Is the file whole? Was its training broken off? Such weights would give no measurement.",
            )
