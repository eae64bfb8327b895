"""Crosscoders: one dictionary over several places, layers of a model or models side by side.

1. A feature fires with ``relu(sum over places of x_p . enc_p + b)``, where that exceeds its threshold.
2. It writes ``dec_p`` at each place. How its decoder's length is spread over the places says whether it is
   shared by them or one's own.

Two layouts of public crosscoders are read, from safetensors: ``W_enc [places, d, n]``, ``W_dec [n, places, d]``,
``b_enc``, ``b_dec`` (Nanda's and Kissane's), and ``encoder.weight [places, d, n]``, ``decoder.weight [places, n, d]``,
``encoder.bias``, ``decoder.bias`` with an optional ``threshold`` on activation times summed decoder norm (the
dictionary_learning library's). The layouts are taken from these projects' code.

Source: Lindsey et al. 2024, Sparse Crosscoders for Cross-Layer Features and Model Diffing. Differs: with more than two
places a feature is one's own where that place has ``OWN`` of the summed decoder norm.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saescope.errors import InputError, SaeSourceError
from saescope.sources.checking import check_inside, load_tensors, read_object

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray
    from torch import Tensor

ARCHITECTURE = "crosscoder"
SHARED_BY_ALL, BETWEEN = -1, -2
SHARED, OWN = (0.3, 0.7), 0.9
"""Relative norm between which a feature of two places is shared, and from which it is one place's own."""


@dataclass(frozen=True)
class Crosscoder:
    """A crosscoder's weights.

    Parameters
    ----------
    encoder, decoder
        ``[n_places, d, n]`` and ``[n_places, n, d]`` float32.
    encoder_bias, decoder_bias, threshold
        ``[n]``, ``[n_places, d]`` and ``[n]`` float32.
    places
        Names of the places: sites of one model, or models.
    site
        Where models are read; empty where the places are sites.
    name
        What to show for it.
    """

    encoder: "Tensor"
    decoder: "Tensor"
    encoder_bias: "Tensor"
    decoder_bias: "Tensor"
    threshold: "Tensor"
    places: tuple[str, ...]
    site: str
    name: str

    def table(self) -> "pl.DataFrame":
        """How each feature is spread over the places.

        Returns
        -------
        DataFrame
            By feature: ``norm_PLACE``, the decoder's length there; ``relative_norm``, of two places the second's
            share of both, else the largest share; ``cosine`` between the first and the last place's decoder rows;
            ``belongs``: ``"shared"``, the name of the place whose own it is, or ``"between"``.
        """
        import polars as pl

        relative, cosine, place = shares(self.decoder)
        return pl.DataFrame(
            {
                "feature": pl.Series(range(self.decoder.shape[1]), dtype=pl.UInt32),
                **{
                    f"norm_{place}": norms.numpy()
                    for place, norms in zip(self.places, self.decoder.norm(dim=-1), strict=True)
                },
                "relative_norm": relative.numpy(),
                "cosine": cosine.numpy(),
                "belongs": belongings(place.numpy(), self.places),
            }
        )


def shares(decoder: "Tensor") -> "tuple[Tensor, Tensor, Tensor]":
    """How features are spread over places.

    Parameters
    ----------
    decoder
        ``[n_places, n, d]``.

    Returns
    -------
    tuple
        Each ``[n]`` float32: of two places the second's share of both decoder norms, of more the largest share; the
        cosine between the first and the last place's row; and the number of the place whose own the feature is,
        ``SHARED_BY_ALL``, or ``BETWEEN``.
    """
    import torch

    norms = decoder.norm(dim=-1)  # [places, n]
    parts = norms / norms.sum(0).clamp(min=1e-12)
    top, first = parts.max(0)
    cosine = (decoder[0] * decoder[-1]).sum(-1) / (norms[0] * norms[-1]).clamp(min=1e-12)
    is_two = len(decoder) == 2
    low, high = SHARED
    is_shared = (parts[1] >= low) & (parts[1] <= high) if is_two else parts.amin(0) >= 0.5 / len(parts)
    place = torch.where(is_shared, SHARED_BY_ALL, BETWEEN).float()
    place = torch.where(top >= OWN, first.float(), place)
    return parts[1] if is_two else top, cosine, place


def belongings(place: "NDArray[Any]", names: Sequence[str]) -> list[str]:
    """What `shares` gives as places, in words: a place's name, ``"shared"`` or ``"between"``."""
    words = {SHARED_BY_ALL: "shared", BETWEEN: "between"} | dict(enumerate(names))
    return [words[round(float(number))] for number in place]


def crosscoder(
    what: "str | os.PathLike[str] | Mapping[str, Any]",
    *,
    sites: Sequence[str] = (),
    models: Sequence[str] = (),
    site: str = "",
    scales: Sequence[float] = (),
) -> Crosscoder:
    """Take a crosscoder, to be given to `saescope.load` as its ``sae``; one over models with these, by name.

    Parameters
    ----------
    what
        A folder with ``*.safetensors`` (and ``config.json`` or ``cfg.json``), such a file, or tensors by name.
    sites
        The places, where they are sites of one model, in the order of the weights.
    models, site
        The places, where they are models, and the site where each is read.
    scales
        What each place's activations were multiplied by in training, where they were; folded into the weights.

    Raises
    ------
    InputError
        The places do not agree with the weights.
    SaeSourceError
        The files are of no known layout, or could run code.
    """
    tensors, facts, name = _open(what)
    encoder, decoder, biases, threshold = _laid_out(tensors, facts)
    places = tuple(sites or models)
    if len(places) != len(encoder) or bool(sites) == bool(models) or bool(models) != bool(site):
        raise InputError(
            f"the crosscoder has {len(encoder)} places, and {len(places)} were named.",
            hint="Give sites=[…] where they are layers of one model, or models=[…] and site=… where they are models.",
        )
    if len(set(places)) < len(places):
        raise InputError(f"a place is named twice: {', '.join(places)}.")
    if scales:
        encoder, decoder, biases = _unscaled(encoder, decoder, biases, scales)
    return Crosscoder(encoder, decoder, biases[0], biases[1], threshold, places, site, name)


def _open(what: Any) -> "tuple[dict[str, Tensor], dict[str, Any], str]":
    import torch

    if isinstance(what, Mapping):
        return {str(k): torch.as_tensor(v) for k, v in what.items()}, {}, "crosscoder"
    path = Path(what).expanduser()
    files = sorted(path.glob("*.safetensors")) if path.is_dir() else [path]
    if len(files) != 1 or files[0].suffix != ".safetensors" or not files[0].is_file():
        raise SaeSourceError(
            f"no crosscoder could be read from {path}: wanted one .safetensors file.",
            hint="Weights in .pt files can hold code: load them where you trust them, with torch.load(…, "
            "weights_only=True), and save the tensors with safetensors.torch.save_file.",
        )
    configs = [p for n in ("config.json", "cfg.json") if (p := files[0].parent / n).is_file()]
    if path.is_dir():
        check_inside(path, *(file.name for file in (files[0], *configs)))
    try:
        facts = read_object(configs[0]) if configs else {}
        return load_tensors(files[0], floats_only=False), facts, path.name
    except OSError as err:
        raise SaeSourceError(f"the crosscoder in {path} could not be read: {err}.", hint="Is it whole?") from err


def _laid_out(tensors: "dict[str, Tensor]", facts: dict[str, Any]) -> Any:
    """Encoder, decoder, both biases and the threshold, in one layout."""
    import torch

    whole = next((n for n, t in tensors.items() if n not in ("k", "threshold") and not t.is_floating_point()), None)
    if whole is not None:
        raise SaeSourceError(f"{whole[:60]!r} of the crosscoder is of {tensors[whole].dtype}: wanted floating point.")
    if {"W_enc", "W_dec", "b_enc", "b_dec"} <= set(tensors):
        encoder, decoder = tensors["W_enc"].float(), tensors["W_dec"].float()
        decoder = decoder.transpose(0, 1) if decoder.ndim == 3 else decoder
        biases = tensors["b_enc"].float(), tensors["b_dec"].float()
    elif {"encoder.weight", "encoder.bias", "decoder.weight", "decoder.bias"} <= set(tensors):
        encoder, decoder = tensors["encoder.weight"].float(), tensors["decoder.weight"].float()
        biases = tensors["encoder.bias"].float(), tensors["decoder.bias"].float()
    else:
        raise SaeSourceError(
            f"the tensors {', '.join(sorted(tensors)[:8])} are of no crosscoder layout that saescope knows.",
            hint="It knows W_enc, W_dec, b_enc, b_dec; and encoder.weight, encoder.bias, decoder.weight, decoder.bias.",
        )
    n_places, d, n = encoder.shape if encoder.ndim == 3 else (0, 0, 0)
    if (
        not n_places * d * n
        or decoder.shape != (n_places, n, d)
        or biases[0].shape != (n,)
        or biases[1].shape != (n_places, d)
    ):
        shapes = ", ".join(str(list(t.shape)) for t in (encoder, decoder, *biases))
        raise SaeSourceError(
            f"encoder, decoder and biases do not agree: {shapes}.",
            hint="Wanted [places, d, n], [places, n, d] (or [n, places, d] of W_dec), [n] and [places, d].",
        )
    if not all(torch.isfinite(t).all() for t in (encoder, decoder, *biases)):
        raise SaeSourceError("some of the crosscoder's weights are not finite.")
    norm = str(facts.get("code_normalization", "crosscoder")).rpartition(".")[2].lower()
    limit = _limit(tensors.get("threshold"))
    if limit > 0 and norm != "crosscoder":
        raise SaeSourceError(f"the crosscoder's threshold is on activations normalised by {norm}, which is not known.")
    if "k" in tensors and limit <= 0:
        raise SaeSourceError("the crosscoder chooses the k largest of a batch and has no threshold for use.")
    return encoder, decoder, biases, max(limit, 0.0) / decoder.norm(dim=-1).sum(0).clamp(min=1e-12)


def _unscaled(encoder: "Tensor", decoder: "Tensor", biases: "tuple[Tensor, Tensor]", scales: Sequence[float]) -> Any:
    """The same crosscoder on activations that are not scaled first: ``enc_p * s_p``, ``dec_p / s_p``."""
    import torch

    factors = torch.tensor([float(s) for s in scales])
    if len(factors) != len(encoder) or not bool((factors.isfinite() & (factors > 0)).all()):
        raise InputError(f"wanted a scale above 0 for each of the {len(encoder)} places, and {list(scales)} came.")
    wide = factors[:, None, None]
    return encoder * wide, decoder / wide, (biases[0], biases[1] / factors[:, None])


def _limit(threshold: "Tensor | None") -> float:
    if threshold is None:
        return 0.0
    if threshold.numel() != 1 or not bool(threshold.float().isfinite()):
        raise SaeSourceError(f"the crosscoder's threshold is one finite number, and {list(threshold.shape)} came.")
    return float(threshold)


class CrosscoderSource:
    """What `crosscoder` made."""

    def can_load(self, spec: Any) -> bool:
        """Whether it is that."""
        return isinstance(spec, Crosscoder)

    def load(self, spec: Any, *, device: str, dtype: str) -> tuple[Any, str]:
        """Make an SAE over all places side by side."""
        from saescope.sources.signed import sae_over

        return sae_over(spec, dtype).to(device), spec.name
