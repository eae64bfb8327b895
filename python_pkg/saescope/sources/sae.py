"""SAEs through sae-lens, with the facts that the rest of saescope asks for."""

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from saescope.errors import PluginError, SaeSourceError
from saescope.sources import REGISTRY
from saescope.sources.correcting import check_correct, corrected
from saescope.sources.facts import FOLDED_SCALE, Facts, check_weights
from saescope.sources.fingerprint import fingerprint
from saescope.sources.inference import for_use
from saescope.sources.kwargs import check_folded, remarks_on

log = logging.getLogger("saescope.sources")


class SaeSource(Protocol):
    """A kind of place an SAE can come from."""

    def can_load(self, spec: Any) -> bool:
        """Whether this source knows what to do with ``spec``."""
        ...

    def load(self, spec: Any, *, device: str, dtype: str) -> tuple[Any, str]:
        """Return a sae-lens SAE and the name to show for it."""
        ...


@dataclass(frozen=True)
class LoadedSae:
    """A sae-lens SAE and what its configuration says, read once.

    Parameters
    ----------
    sae
        The sae-lens object.
    name
        What to show for it.
    hook_name
        The site it reads, in the field's naming.
    d_in, d_sae
        Width of the site, and number of features.
    context_size
        Tokens in a training context, or ``None`` when unknown.
    has_bos
        Whether training contexts began with BOS.
    wants_centering
        Whether it was trained on a model with centred writing weights.
    first_position
        First position of a context that it was trained on.
    hook_name_out, hf_hook_name_out
        The site it writes to, where that is another (transcoders).
    d_out
        How many numbers it writes.
    hook_head_index
        The head whose numbers it reads, or ``None`` for all.
    remarks
        Sentences on what of its configuration is not honoured.
    names
        Of the features, where they have been given any (plain directions); else empty.
    hook_names
        All sites that it reads side by side (crosscoders); else empty.
    input_scale
        What activations were multiplied by in training, folded into the weights; ``None`` where by nothing.
    places
        Names of the models that it reads side by side (crosscoders of models); else empty.
    correct
        What of it is other than its configuration and files say: see `sources.correcting`.
    """

    sae: Any
    name: str
    hook_name: str
    hf_hook_name: str | None
    d_in: int
    d_sae: int
    architecture: str
    context_size: int | None
    has_bos: bool
    wants_centering: bool
    model_name: str
    first_position: int = 0
    hook_name_out: str | None = None
    hf_hook_name_out: str | None = None
    d_out: int = 0
    hook_head_index: int | None = None
    remarks: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    hook_names: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    input_scale: float | None = None
    correct: dict[str, Any] = field(default_factory=dict)

    def fingerprint(self) -> str:
        """Hash of configuration and weights; see `sources.fingerprint`."""
        head = "" if self.hook_head_index is None else f" head {self.hook_head_index}"
        where = " ".join((*self.hook_names, *self.places)) or self.hook_name
        other = f" {json.dumps(self.correct, sort_keys=True)}" if self.correct else ""
        return fingerprint(self.sae, f"{self.architecture} {where} {self.d_in} {self.d_sae}{head}{other}")

    def scale(self) -> dict[str, Any]:
        """In what units its activations are.

        Returns
        -------
        dict
            ``normalize_activations``, how the site's activations are normalised first; ``input_scale``, the factor they
            were multiplied by in training, which is folded into the weights (null without one); and
            ``is_rescaled_by_decoder``, whether its activations are multiplied by decoder norms.
        """
        return {
            "normalize_activations": str(self.sae.cfg.normalize_activations),
            "input_scale": self.input_scale,
            "is_rescaled_by_decoder": bool(getattr(self.sae.cfg, "rescale_acts_by_decoder_norm", False)),
        }


def load_sae(
    spec: Any, *, device: str = "cpu", dtype: str = "float32", correct: Mapping[str, Any] | None = None
) -> LoadedSae:
    """Load an SAE from a registry release, a folder, or memory.

    Parameters
    ----------
    spec
        ``"release/sae_id"``, a folder in sae-lens's format, or a sae-lens object.
    correct
        What of it is other than its configuration and files say: see `saescope.sources.correcting.corrected`.

    Raises
    ------
    InputError
        There is nothing of a name to correct, or no such value.
    SaeSourceError
        There is none, it is broken, or it wants something saescope cannot honour.
    """
    for name in _in_order():
        try:
            source: SaeSource = REGISTRY.get(name)()
        except PluginError as err:
            log.warning("%s", err)
            continue
        if source.can_load(spec):
            sae, shown = source.load(spec, device=device, dtype=dtype)
            if not correct:
                return describe(sae, shown)
            return replace(describe(corrected(sae, correct), shown), correct=check_correct(correct))
    raise SaeSourceError(
        f"{spec!r} names no SAE.",
        hint='Give a folder with cfg.json and sae_weights.safetensors, or "release/sae_id" of the sae-lens registry.',
    )


def _in_order() -> Iterator[str]:
    """Names of sources; others' are looked for only where our own do not know the SAE."""
    ours = ("object", "directions", "crosscoder", "folder")
    yield from ours
    yield from (name for name in REGISTRY.names() if name not in (*ours, "release"))
    yield "release"


def describe(sae: Any, name: str) -> LoadedSae:
    """Read an SAE's configuration, and refuse what would measure something else than asked."""
    sae = for_use(sae)
    cfg, facts = sae.cfg, Facts(sae.cfg.metadata, name)
    check_weights(sae, name)
    hook_name = facts.site("hook_name")
    if not hook_name:
        raise SaeSourceError(
            f"the SAE {name} does not say which site it reads.",
            hint='Set cfg.metadata.hook_name, for example to "blocks.10.hook_resid_post".',
        )
    if cfg.normalize_activations == "expected_average_only_in":
        raise SaeSourceError(
            f"the SAE {name} expects activations scaled by a factor that its folder does not hold.",
            hint="Load it from its release, where sae-lens knows the factor; or put activation_scaler.json into the "
            'folder, with {"scaling_factor": sqrt(d_in) / mean norm of the activations}, as sae-lens does in training.',
        )
    kwargs = facts.mapping("model_from_pretrained_kwargs")
    check_folded(kwargs, hook_name, name)
    remarks = remarks_on(kwargs, name)
    for sentence in remarks:
        log.warning("%s", sentence)
    return LoadedSae(
        sae=sae.eval(),
        name=name,
        hook_name=hook_name,
        hf_hook_name=facts.site("hf_hook_name"),
        d_in=int(cfg.d_in),
        d_sae=int(cfg.d_sae),
        architecture=cfg.architecture(),
        context_size=facts.whole("context_size", low=1),
        has_bos=facts.flag("prepend_bos", default=True),
        wants_centering=bool(kwargs.get("center_writing_weights")),
        model_name=facts.text("model_name"),
        first_position=facts.first_position("seqpos_slice"),
        hook_name_out=facts.site("hook_name_out"),
        hf_hook_name_out=facts.site("hf_hook_name_out"),
        d_out=int(getattr(cfg, "d_out", None) or cfg.d_in),
        hook_head_index=facts.whole("hook_head_index"),
        remarks=tuple(remarks),
        hook_names=facts.sites("hook_names"),
        names=facts.texts("feature_names"),
        places=facts.texts("model_names"),
        input_scale=facts.scale(FOLDED_SCALE),
    )
