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
    from torch import Tensor

ARCHITECTURE = "crosscoder"
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

        norms = self.decoder.norm(dim=-1)  # [places, n]
        shares = norms / norms.sum(0).clamp(min=1e-12)
        top = shares.amax(0)
        first, last = self.decoder[0], self.decoder[-1]
        cosine = (first * last).sum(-1) / (norms[0] * norms[-1]).clamp(min=1e-12)
        belongs = [self._belongs(share.tolist()) for share in shares.T]
        return pl.DataFrame(
            {
                "feature": pl.Series(range(norms.shape[1]), dtype=pl.UInt32),
                **{f"norm_{place}": norms[n].numpy() for n, place in enumerate(self.places)},
                "relative_norm": (shares[1] if len(self.places) == 2 else top).numpy(),
                "cosine": cosine.numpy(),
                "belongs": belongs,
            }
        )

    def _belongs(self, shares: list[float]) -> str:
        top = max(shares)
        if top >= OWN:
            return self.places[shares.index(top)]
        if len(shares) == 2:
            return "shared" if SHARED[0] <= shares[1] <= SHARED[1] else "between"
        return "shared" if min(shares) >= 0.5 / len(shares) else "between"


def crosscoder(
    what: "str | os.PathLike[str] | Mapping[str, Any]",
    *,
    sites: Sequence[str] = (),
    models: Sequence[str] = (),
    site: str = "",
) -> Crosscoder:
    """Take a crosscoder; over sites of one model it can be given to `saescope.load` as its ``sae``.

    Parameters
    ----------
    what
        A folder with ``*.safetensors`` (and ``config.json`` or ``cfg.json``), such a file, or tensors by name.
    sites
        The places, where they are sites of one model, in the order of the weights.
    models, site
        The places, where they are models, and where each is read.

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
    if len(places) != len(encoder) or bool(sites) == bool(models):
        raise InputError(
            f"the crosscoder has {len(encoder)} places, and {len(places)} were named.",
            hint="Give sites=[…] where they are layers of one model, or models=[…] and site=… where they are models.",
        )
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
    if not n_places * d * n or decoder.shape != (n_places, n, d) or biases[0].shape != (n,) or biases[1].shape != (n_places, d):
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
        """Make an SAE over all places side by side.

        Raises
        ------
        SaeSourceError
            The places are models, of which saescope runs one.
        """
        if spec.site or "." not in spec.places[0]:
            raise SaeSourceError(
                f"the crosscoder's places are the models {' and '.join(spec.places)}, and saescope runs one at a time.",
                hint="crosscoder(…).table() tells which features are shared and which are one model's own.",
            )
        from saescope.sources.signed import sae_over

        return sae_over(spec, dtype).to(device), spec.name
