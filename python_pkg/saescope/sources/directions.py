"""Plain directions as a dictionary: probes, steering vectors, neurons, principal components.

1. A direction ``d`` fires with ``x . d + bias`` on an activation ``x``, less the centre where one is given, where that
   exceeds the threshold.
2. It writes ``d / |d|^2`` per unit, so that taking a feature away takes away what ``x`` has along ``d``.
3. Signed directions (components, axes) fire on both sides, with their sign.

They are read as a JumpReLU SAE of sae-lens, or, signed, as an architecture of our own that is registered there.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saescope.errors import InputError, SaeSourceError
from saescope.sources.checking import load_arrays, load_tensors

SIGNED = "signed_directions"
PICKLES = (".pt", ".pth", ".bin", ".pkl", ".pickle", ".ckpt", ".joblib")


@dataclass(frozen=True)
class Directions:
    """Directions to read a model's activations along.

    Parameters
    ----------
    rows
        ``[n, d]`` float32, as long as they are: a direction's length is its scale.
    site
        Where, as in ``blocks.10.hook_resid_post``.
    names
        One for each; numbers by default.
    bias, threshold
        ``[n]`` float32, added to the product; what the sum must exceed.
    center
        ``[d]`` float32, subtracted from the activation first.
    is_signed
        Whether they fire on both sides.
    """

    rows: NDArray[np.float32]
    site: str
    names: tuple[str, ...]
    bias: NDArray[np.float32]
    threshold: NDArray[np.float32]
    center: NDArray[np.float32]
    is_signed: bool = False


def directions(
    what: Any,
    *,
    site: str,
    names: Sequence[str] | None = None,
    bias: Any = None,
    threshold: Any = None,
    center: Any = None,
    signed: bool = False,
) -> Directions:
    """Take directions as a dictionary, to be given to `saescope.load` as its ``sae``.

    Parameters
    ----------
    what
        ``[n, d]`` or ``[d]``: a tensor or an array; names with a direction each; or a file: ``.npy``, ``.npz`` or
        ``.safetensors``, whose arrays are rows, named as they are.
    site
        Where they are read and written, as in ``"blocks.10.hook_resid_post"``.
    names
        One for each direction.
    bias, threshold
        A number, or one for each: what is added to ``x . d``, and what the sum must exceed to fire (0 by default).
    center
        ``[d]``: subtracted from the activation first (principal components, probes on centred data).
    signed
        Fire on both sides, with the sign, where the size exceeds the threshold.

    Raises
    ------
    InputError
        Shapes do not agree, numbers are not finite, or a direction is zero.
    SaeSourceError
        The file is none of these, or would run code.

    Examples
    --------
    >>> import numpy as np, saescope
    >>> axes = saescope.directions(np.eye(3), site="blocks.1.hook_resid_post", names=["x", "y", "z"])
    >>> axes.rows.shape
    (3, 3)
    """
    rows, known = _rows(what)
    if rows.ndim != 2 or not rows.size:
        raise InputError(f"directions are [n, d], and {list(rows.shape)} came.", hint="Give one direction a row.")
    if not np.isfinite(rows).all():
        raise InputError("some of the directions are not finite.", hint="Are there NaN or infinite numbers in them?")
    lengths = np.linalg.norm(rows, axis=1)
    if not lengths.all():
        raise InputError(f"direction {int(np.flatnonzero(lengths == 0)[0])} is zero.", hint="Leave it out.")
    chosen = tuple(names) if names is not None else known or tuple(str(n) for n in range(len(rows)))
    if len(chosen) != len(rows) or len(set(chosen)) != len(chosen):
        raise InputError(f"there are {len(rows)} directions, and {len(set(chosen))} different names for them.")
    limits = _each(threshold, len(rows), "thresholds")
    if (limits < 0).any():
        raise InputError("a threshold is 0 or above, and one below came.", hint="Put the rest into the bias.")
    middle = np.zeros(rows.shape[1], dtype=np.float32) if center is None else _array(center)
    if middle.shape != rows.shape[1:] or not np.isfinite(middle).all():
        raise InputError(f"the centre is {rows.shape[1]} finite numbers, and {list(middle.shape)} came.")
    return Directions(rows, site, chosen, _each(bias, len(rows), "biases"), limits, middle, signed)


def _rows(what: Any) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    if isinstance(what, str | os.PathLike):
        what = _from_file(Path(what).expanduser())
    if isinstance(what, Mapping):
        parts = [(str(name), np.atleast_2d(_array(value))) for name, value in what.items()]
        if not parts or any(part.ndim != 2 or part.shape[1] != parts[0][1].shape[1] for _, part in parts):
            raise InputError("the directions are not all of one width, or there are none.")
        numbered = [[name] if len(part) == 1 else [f"{name} {n}" for n in range(len(part))] for name, part in parts]
        return np.concatenate([part for _, part in parts]), tuple(name for some in numbered for name in some)
    return np.atleast_2d(_array(what)), ()


def _array(value: Any) -> NDArray[np.float32]:
    found = value.detach().float().cpu().numpy() if hasattr(value, "detach") else np.asarray(value)
    if found.dtype.kind not in "fiu":
        raise InputError(f"directions are numbers, and {found.dtype} came.")
    return np.array(found, dtype=np.float32)


def _each(value: Any, n: int, what: str) -> NDArray[np.float32]:
    found = np.zeros(1, dtype=np.float32) if value is None else np.atleast_1d(_array(value))
    if found.shape not in ((1,), (n,)) or not np.isfinite(found).all():
        raise InputError(f"wanted one or {n} finite {what}, and {list(found.shape)} came.")
    return np.broadcast_to(found, (n,)).astype(np.float32)


def _from_file(path: Path) -> Any:
    """What a file holds; nothing in it is run."""
    if path.suffix in PICKLES:
        raise SaeSourceError(
            f"{path.name} can hold code that runs when it is read, and is not opened.",
            hint="Save the tensors with safetensors.torch.save_file, or with numpy.save.",
        )
    if not path.is_file():
        raise SaeSourceError(f"there is no file {path}.", hint="Give a .npy, .npz or .safetensors file.")
    try:
        if path.suffix == ".safetensors":
            return dict(sorted(load_tensors(path, floats_only=False).items()))
        if path.suffix in (".npy", ".npz"):
            return load_arrays(path)
    except OSError as err:
        raise SaeSourceError(f"{path.name} could not be read: {err}.", hint="Is the file whole?") from err
    raise SaeSourceError(f"{path.name} is no .npy, .npz or .safetensors file.", hint="Give one of these.")


class DirectionsSource:
    """What `directions` made."""

    def can_load(self, spec: Any) -> bool:
        """Whether it is that."""
        return isinstance(spec, Directions)

    def load(self, spec: Any, *, device: str, dtype: str) -> tuple[Any, str]:
        """Make the sae-lens SAE that reads and writes so."""
        from saescope.sources.signed import sae_of

        made = sae_of(spec, dtype).to(device)
        return made, f"{len(spec.rows)} directions at {spec.site}"
