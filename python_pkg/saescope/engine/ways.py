"""Ways to read a site with an SAE: as it is loaded, and as it may have been meant.

A way is what the SAE makes of the site's activation: encode, decode, and what it is compared with. Ways
differ from the SAE as loaded in one thing: normalisation, scale, centring, the decoder bias, or the
arrangement of the weights. The SAE itself is never changed; weights are shared where they can be.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from saescope.engine.architectures import LINEAR_ENCODER, dense, reads_contexts
from saescope.sources.correcting import arranged, copied, with_weights

SCALES = (0.125, 0.25, 0.5, 2.0, 4.0, 8.0)
UNIT_WITHIN = 0.02
ARRANGED = {
    "exchanged": "with encoder and decoder exchanged",
    "encoder": "with the encoder's weights laid out the other way",
    "decoder": "with the decoder's weights laid out the other way",
    "both": "with both weights laid out the other way",
}

Apply = Callable[[Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Way:
    """One way: its kind, what it does in words, from ``x [n, d_in]`` to features and reconstruction.

    ``correct`` is what `saescope.load` takes to do the same; ``is_centred`` says that the mean over d_model is
    taken off what is written too.
    """

    kind: str
    what: str
    apply: Apply
    correct: dict[str, Any] = field(default_factory=dict)
    is_centred: bool = False

    def target(self, y: Tensor) -> Tensor:
        """What its reconstruction is compared with, of the site's activations."""
        return _centred(y) if self.is_centred else y


def as_loaded(sae: Any) -> Apply:
    """Encode and decode; the skip of a skip transcoder is added."""
    by_context = reads_contexts(sae)
    skip = getattr(sae, "W_skip", None)

    def apply(x: Tensor) -> tuple[Tensor, Tensor]:
        x = x.to(sae.W_dec.device, sae.W_dec.dtype)
        acts = dense(sae.encode(x if by_context or x.ndim == 2 else x.flatten(0, -2)))
        made = sae.decode(acts)
        if skip is not None:
            made = made + x.view(-1, x.shape[-1]) @ skip.T
        return acts.reshape(-1, acts.shape[-1]), made.reshape(-1, made.shape[-1])

    return apply


def ways(sae: Any, x: Tensor, *, is_layer_norm: bool, is_centered: bool) -> Iterator[Way]:
    """Every other way to read the same site, ``x [n, d_in]`` being its activations.

    Only what is not centred is tried centred: what was taken off is not known here.
    """
    apply, kind = as_loaded(sae), sae.cfg.architecture()
    yield from _normalizations(sae, x)
    if is_layer_norm and not is_centered:
        words = "with the mean over d_model taken off"
        yield Way("centering", words, _before(apply, _centred), {"center": True}, is_centred=True)
    if kind not in LINEAR_ENCODER or x.shape[-1] != sae.W_dec.shape[-1]:
        return
    yield from _biases(sae, apply)
    yield from _arrangements(sae)


def _normalizations(sae: Any, x: Tensor) -> Iterator[Way]:
    now = sae.cfg.normalize_activations
    plain = as_loaded(bare(sae))
    size, norm = x.shape[-1] ** 0.5, float(x.float().norm(dim=-1).mean())
    norms: dict[str, Callable[[Tensor], tuple[Tensor, Tensor | float, Tensor | float]]] = {
        "none": lambda x: (x, 1.0, 0.0),
        "layer_norm": lambda x: (
            (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-5),
            x.std(-1, keepdim=True),
            x.mean(-1, keepdim=True),
        ),
        "constant_norm_rescale": lambda x: (
            x * (size / x.norm(dim=-1, keepdim=True)),
            x.norm(dim=-1, keepdim=True) / size,
            0.0,
        ),
    }
    words = {
        "none": "without the normalisation",
        "layer_norm": "with each activation's mean and deviation taken out",
        "constant_norm_rescale": "with each activation scaled to the length of sqrt(d_in)",
    }
    for name, into in norms.items():
        if name != now:
            yield Way("normalization", words[name], _normed(plain, into), {"normalize_activations": name})
    if now == "none" and norm > 0:
        average = size / norm
        if not 0.9 < average < 1.1:
            yield Way(
                "normalization",
                f"with activations scaled by {average:.3g}, to an average length of sqrt(d_in)",
                scaled(plain, average),
                {"scale": average},
            )
            yield Way(
                "scale",
                f"with activations scaled by {1 / average:.3g}, as if the factor were in twice",
                scaled(plain, 1 / average),
                {"scale": 1 / average},
            )
        for factor in SCALES:
            yield Way("scale", f"with activations scaled by {factor:g}", scaled(plain, factor), {"scale": factor})


def _normed(apply: Apply, into: Callable[[Tensor], Any]) -> Apply:
    def act(x: Tensor) -> tuple[Tensor, Tensor]:
        x = x.reshape(-1, x.shape[-1])
        inner, scale, shift = into(x)
        acts, made = apply(inner)
        return acts, made * scale + shift

    return act


def scaled(apply: Apply, factor: float) -> Apply:
    """With what is read multiplied by a factor, and what is written divided by it."""

    def act(x: Tensor) -> tuple[Tensor, Tensor]:
        acts, made = apply(x * factor)
        return acts, made / factor

    return act


def _before(apply: Apply, change: Callable[[Tensor], Tensor]) -> Apply:
    return lambda x: apply(change(x))


def _centred(x: Tensor) -> Tensor:
    return x - x.mean(-1, keepdim=True)


def _biases(sae: Any, apply: Apply) -> Iterator[Way]:
    bias, is_on = sae.b_dec.detach(), bool(sae.cfg.apply_b_dec_to_input)
    if float(bias.abs().max()) == 0:
        return
    words = "without the decoder bias taken off the input" if is_on else "with the decoder bias taken off the input"
    shift = bias if is_on else -bias
    yield Way("bias", words, _before(apply, lambda x: x + shift.to(x.dtype)), {"apply_b_dec_to_input": not is_on})


def _arrangements(sae: Any) -> Iterator[Way]:
    """The weights otherwise arranged: exchanged, laid out the other way, or with the decoder's rows of length 1."""
    if sae.W_enc.shape != sae.W_dec.shape[::-1]:
        return
    for name, words in ARRANGED.items():
        yield Way("weights", words, as_loaded(with_weights(sae, **arranged(sae, name))), {"weights": name})
    norms = sae.W_dec.detach().norm(dim=-1)
    if float((norms - 1).abs().max()) > UNIT_WITHIN and float(norms.min()) > 0:
        words = "with the decoder's rows of length 1, their length being in the encoder"
        yield Way("weights", words, as_loaded(with_weights(sae, **arranged(sae, "unit"))), {"weights": "unit"})


def bare(sae: Any) -> Any:
    """The same SAE without normalisation of activations."""
    own = copied(sae)
    own.run_time_activation_norm_fn_in = own.run_time_activation_norm_fn_out = lambda x: x
    return own
