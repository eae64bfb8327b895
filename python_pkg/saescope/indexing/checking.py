"""Measures whether an SAE fits the model and the site that it is loaded with.

1. A short text runs through the model once: the activations at the SAE's site and at sites near it, and
   the loss.
2. The SAE reads its own site, and the same activations shuffled over the tokens, dimension by dimension:
   a control that a wrong pairing scores like.
3. Trials: sites, then ways to read the site (`saescope.engine.ways`), each on about 64 tokens; the best of
   them again on all, with the standard error of the difference. BOS is tried on short contexts.
4. The model runs again with the reconstruction, the control's, zero, and the mean in the site's place:

       loss recovered = (loss_away - loss_spliced) / (loss_away - loss_clean)

   with ``away`` the site at zero, or at its mean over the text.

The first token of a context, special tokens, and tokens whose activation is more than ten times as long as
the median do not count. What follows from the figures is `saescope.index.pairing`'s. Source of the loss
recovered: sae-lens, ``evals.get_recons_loss``, and Rajamanoharan et al. (2024), section 4.1. Differs:
positions that do not count keep their activation.
"""

import hashlib
import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from saescope import corpus
from saescope.engine.architectures import reads_contexts
from saescope.engine.reader import SiteReader
from saescope.engine.scoring import Measured, gain, measure, shuffled
from saescope.engine.sites import Passes
from saescope.engine.ways import Apply, Way, as_loaded, ways
from saescope.errors import CancelledError, ComputeError
from saescope.index.pairing import ABOVE_CONTROL, BUNDLED, FEWEST_TOKENS, Kind, Losses, PairingCheck, Score, Trial
from saescope.sources.model import LoadedModel
from saescope.sources.other_sites import FURTHEST, OtherSite, far_sites, other_sites
from saescope.sources.published import base_remark, published, untold_base
from saescope.sources.sae import LoadedSae
from saescope.sources.site import has_layer_norm
from saescope.types import Site

N_TOKENS, SEQ, BOS_SEQ = 256, 64, 16
N_SCREENED, N_CONFIRMED = 64, 4
N_LOSS_ON_CPU = 128
LONGEST = 10.0
NO_DICTIONARY = ("signed_directions",)

Turn = Callable[[], AbstractContextManager[Any]]
Tell = Callable[[int, int, str], None]


def bundled_text() -> str:
    """Some paragraphs of prose, a recipe and a little code, written for this."""
    return (Path(corpus.__file__).parent / "sample.txt").read_text(encoding="utf-8")


def text_hash(texts: Sequence[str]) -> str:
    """What tells texts apart."""
    return hashlib.blake2b("\0".join(texts).encode(), digest_size=8).hexdigest()


@dataclass
class _At:
    """One site's activations, flat: what is read, what is compared with, and which tokens count."""

    x: Tensor
    y: Tensor
    counts: Tensor


class Checker:
    """Checks one pairing on one text.

    Parameters
    ----------
    model, sae, site
        As they are loaded.
    texts
        What to measure on; by default the bundled text.
    n_tokens
        About how many of its tokens.
    turn
        Gives the model for one pass.
    check
        Called between layers and trials; what it raises stops the check.
    tell
        Told how far it is: done, of how many steps, and what comes.
    """

    def __init__(
        self,
        model: LoadedModel,
        sae: LoadedSae,
        site: Site,
        texts: Sequence[str] | None = None,
        *,
        n_tokens: int = N_TOKENS,
        turn: Turn,
        check: Callable[[], None],
        tell: Tell,
    ) -> None:
        self.model, self.sae, self.site = model, sae, site
        self.texts = [bundled_text()] if texts is None else list(texts)
        self.name = BUNDLED if texts is None else "the text given"
        self.n_tokens = n_tokens
        self._turn, self._check, self._tell = turn, check, tell
        self._by_context = reads_contexts(sae.sae) if sae.architecture not in NO_DICTIONARY else False
        self._own_way = Way("", "", as_loaded(sae.sae) if sae.architecture not in NO_DICTIONARY else _nothing)
        self._special = torch.tensor(sorted({i for i in model.tokenizer.all_special_ids if i is not None}))
        ends = (model.tokenizer.bos_token_id, model.tokenizer.eos_token_id)
        self._bos: int | None = next((end for end in ends if end is not None), None)

    def run(self, keys: dict[str, str] | None = None) -> PairingCheck:
        """Measure; what cannot be measured is said in ``failure``. ``keys`` says what it is of."""
        start = time.perf_counter()
        blank = PairingCheck(text=self.name, n_features=self.sae.d_sae, keys=keys or {})
        if self.sae.architecture in NO_DICTIONARY:
            return replace(blank, failure="Plain directions reconstruct nothing that could be compared.")
        try:
            found = self._run(blank)
        except CancelledError:
            raise
        except ComputeError as err:
            found = replace(blank, failure=err.message, is_broken=True)
        return replace(found, seconds=time.perf_counter() - start)

    def _run(self, blank: PairingCheck) -> PairingCheck:
        ids = self._ids()
        tokens = self._contexts(ids, has_bos=self.sae.has_bos)
        counted = self._counted(tokens)
        n_counted = int(counted.sum())
        if n_counted < FEWEST_TOKENS:
            return replace(
                blank, failure=f"{n_counted} tokens of the text count, and at least {FEWEST_TOKENS} are needed."
            )
        self._tell(0, 6, "Running the model")
        passes = Passes(self.model.model, tokens, self._check)
        others = list(other_sites(self.model, self.sae)) if self.site.part is None else []
        own, sites, clean = self._read(passes, others, counted)
        self._tell(1, 6, "Reading the site")
        base, control, made_control = self._own(own, tokens.shape)
        self._tell(2, 6, "Trying other sites and scales")
        x = own.x[own.counts].to(self.sae.sae.W_dec.device, self.sae.sae.W_dec.dtype)
        is_layer_norm = has_layer_norm(self.model.model)
        made = ways(self.sae.sae, x, is_layer_norm=is_layer_norm, is_centered=self.site.is_centered)
        trials = self._tried(base, own, [*sites, *((way, own, 0) for way in made)])
        if others and is_far(base.variance, control.explained_variance, trials):
            _, more, _ = self._read(passes, list(far_sites(self.model, self.sae, others)), counted)
            trials += self._tried(base, own, more)
        self._tell(3, 6, "Trying BOS")
        trials += self._tried_bos(ids)
        self._tell(4, 6, "Running the model with the site changed")
        losses = self._losses(passes, own, base, made_control, clean, counted)
        self._tell(6, 6, "Done")
        return replace(
            blank,
            score=_score(base),
            control=control,
            drift=_finite(base.drift),
            losses=losses,
            published=published(self.sae),
            trials=tuple(trials),
            remarks=self._remarks(),
            untold=untold_base(self.model, self.sae),
        )

    def _ids(self) -> Tensor:
        """The text's tokens ``[n]``, without those that the tokenizer adds."""
        ids: list[int] = []
        for text in self.texts:
            ids += self.model.tokenizer(text, add_special_tokens=False)["input_ids"]
            if len(ids) >= self.n_tokens:
                break
        return torch.tensor(ids[: self.n_tokens], dtype=torch.int64)

    def _contexts(self, ids: Tensor, *, has_bos: bool, seq: int = 0) -> Tensor:
        """Contexts of one length ``[n_contexts, seq]``, with BOS at their heads where it is wanted and there is one."""
        limit = getattr(self.model.model.config.get_text_config(), "max_position_embeddings", None) or SEQ
        length = min(seq or max(SEQ, self.sae.first_position + SEQ), self.sae.context_size or SEQ, limit)
        head = self._bos if has_bos else None
        length = max(min(length - (head is not None), len(ids)), 1)
        rows = ids[: len(ids) // length * length].view(-1, length)
        if head is not None:
            rows = torch.cat([torch.full((len(rows), 1), head), rows], dim=1)
        return rows.to(self.model.device)

    def _counted(self, tokens: Tensor) -> Tensor:
        """Which positions count, ``[n_contexts, seq]``."""
        found = ~torch.isin(tokens, self._special.to(tokens.device))
        found[:, : max(1, self.sae.first_position)] = False
        return found

    def _at(self, x: Tensor | None, y: Tensor | None, counted: Tensor) -> _At:
        if x is None or y is None:
            raise ComputeError(f"the forward pass never reached {self.site.module}.")
        if not torch.isfinite(x).all():
            raise ComputeError(
                f"the activations at {self.site.name} are not all finite: are the model's weights whole?"
            )
        norms = x.float().norm(dim=-1)
        counts = counted & (norms <= LONGEST * norms[counted].median())
        return _At(x, y, counts)

    def _read(
        self, passes: Passes, others: list[OtherSite], counted: Tensor
    ) -> tuple[_At, list[tuple[Way, _At, int]], Tensor]:
        """One run of the model: the SAE's own site, others to be tried, and the loss."""
        places = [self.site, *(other.site for other in others)]
        is_across = bool(self.site.written)
        wanted = [part for site in places for part in ((site, _output(site)) if is_across else (site,))]
        with self._turn():
            read, losses = passes.read(wanted)
        pairs = list(zip(read[::2], read[1::2], strict=True)) if is_across else [(x, x) for x in read]
        own, found = self._at(*pairs[0], counted), []
        for other, (x, y) in zip(others, pairs[1:], strict=True):
            if x is not None and y is not None and x.shape == own.x.shape and not (x is y and torch.equal(x, own.x)):
                found.append((_way(other, self._own_way.apply), self._at(x, y, counted), other.n_off))
        return own, found, losses

    def _own(self, own: _At, shape: Sequence[int]) -> tuple[Measured, Score, Tensor]:
        apply = self._own_way.apply
        base = self._on(self._own_way, own, own.counts)
        if not math.isfinite(base.variance):
            why = (
                "the reconstruction is not finite"
                if float(base.spread.sum()) > 0
                else "the activations are all the same"
            )
            raise ComputeError(f"{why} at {self.site.name}: are the weights of model and SAE whole?")
        flat = own.counts.flatten()
        mixed = own.x.flatten(0, 1).clone()
        mixed[flat] = shuffled(mixed[flat])
        goal = mixed if not self.site.written else own.y.flatten(0, 1)
        control = (
            measure(apply, mixed.view(*shape, -1), goal[flat], flat)
            if self._by_context
            else measure(apply, mixed[flat], goal[flat])
        )
        return base, _score(control), control.made

    def _taken(self, at: _At, counts: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """What is read, compared with, and kept of it; whole contexts where the SAE needs them."""
        flat = counts.flatten()
        if self._by_context:
            return at.x, at.y.flatten(0, 1), flat
        return at.x.flatten(0, 1)[flat], at.y.flatten(0, 1)[flat], None

    def _tried(self, base: Measured, own: _At, made: list[tuple[Way, _At, int]]) -> list[Trial]:
        """Screen all on some tokens, and measure the best again on all that count at both places; best first."""
        flat = own.counts.flatten()
        some = torch.zeros_like(flat)
        at = flat.nonzero().squeeze(-1)
        some[at[:: max(1, len(at) // N_SCREENED)]] = True
        some = (flat if self._by_context else some).view_as(own.counts)
        then = self._on(self._own_way, own, some)
        screened = []
        for way, place, n_off in made:
            self._check()
            now = self._on(way, place, some)
            if math.isfinite(now.variance):
                screened.append((now.variance - then.variance, way, place, n_off, now))
        screened.sort(key=lambda row: row[0], reverse=True)
        found = [self._confirmed(base, own, *row[1:4]) for row in screened[:N_CONFIRMED]]
        for by, way, _, n_off, now in screened[N_CONFIRMED:]:
            found.append(
                Trial(kind=_kind(way), what=way.what, score=_score(now), gain=by, error=None, base_l0=then.l0,
                      is_confirmed=False, correct=way.correct, n_off=n_off)
            )  # fmt: skip
        return found

    def _on(self, way: Way, at: _At, counts: Tensor) -> Measured:
        x, y, keep = self._taken(at, counts)
        return measure(way.apply, x, way.target(y), keep)

    def _confirmed(self, base: Measured, own: _At, way: Way, place: _At, n_off: int) -> Trial:
        now = self._on(way, place, own.counts)
        both = place.counts.flatten()[own.counts.flatten()]
        by, error = gain(now, base, both)
        return Trial(
            kind=_kind(way), what=way.what, score=_score(now), gain=by, error=_finite(error), base_l0=base.l0,
            is_confirmed=True, correct=way.correct, n_off=n_off,
        )  # fmt: skip

    def _tried_bos(self, ids: Tensor) -> list[Trial]:
        """With and without BOS on the same short contexts; the first token of the text in each does not count."""
        if self._bos is None or len(ids) < 2 * BOS_SEQ or self.sae.first_position > 1:
            return []
        found = {}
        for has_bos in (True, False):
            tokens = self._contexts(ids, has_bos=has_bos, seq=BOS_SEQ + has_bos)
            with self._turn():
                x = SiteReader(self.model.model, self.site, on_block=self._check).read(tokens)
                y = self._target(tokens) if self.site.written else x
            counts = self._counted(tokens)
            counts[:, : 1 + has_bos] = False
            found[has_bos] = self._on(self._own_way, _At(x, y, counts), counts)
        then, now = found[self.sae.has_bos], found[not self.sae.has_bos]
        if len(then.errors) != len(now.errors) or not math.isfinite(now.variance):
            return []
        by, error = gain(now, then)
        words = (
            "with BOS at the head of each context" if not self.sae.has_bos else "without BOS at the head of contexts"
        )
        return [
            Trial(kind="bos", what=f"{words}, on contexts of {BOS_SEQ} tokens", score=_score(now), gain=by,
                  error=_finite(error), base_l0=then.l0, is_confirmed=True,
                  correct={"prepend_bos": not self.sae.has_bos})
        ]  # fmt: skip

    def _target(self, tokens: Tensor) -> Tensor:
        return SiteReader(self.model.model, _output(self.site)).read(tokens)

    def _losses(
        self, passes: Passes, own: _At, base: Measured, made_control: Tensor, clean: Tensor, counted: Tensor
    ) -> Losses | None:
        if not torch.isfinite(clean).all():
            raise ComputeError("the model's loss on the text is not finite: are its weights whole?")
        if not self.site.is_written or self.site.also:
            return None
        n = len(counted) if counted.device.type != "cpu" else max(1, N_LOSS_ON_CPU // counted.shape[1])
        flat, y = own.counts.flatten(), own.y.flatten(0, 1).float()
        inner = y[flat]
        wanted = {
            "spliced": base.made.to(y.device) - inner,
            "control": made_control.to(y.device) - inner,
            "zero": -inner,
            "mean": inner.mean(0) - inner,
        }
        found = {"clean": float(clean[:n].mean())}
        part = passes.first(n)
        for name, change in wanted.items():
            delta = torch.zeros_like(y)
            delta[flat] = change
            with self._turn():
                found[name] = float(part.changed(self.site, delta.view(*counted.shape, -1)[:n]).mean())
        return Losses(**found, n=clean[:n].numel()) if all(map(math.isfinite, found.values())) else None

    def _remarks(self) -> tuple[tuple[str, str], ...]:
        found = []
        if self.sae.has_bos and self._bos is None:
            found.append(("bos", f"The SAE wants BOS, and the tokenizer of {self.model.name} has neither BOS nor EOS."))
        if told := base_remark(self.model, self.sae):
            found.append(("base", told))
        return tuple(found)


def is_far(variance: float, control: float, trials: Sequence[Trial]) -> bool:
    """Whether a site further away may fit: the furthest tried is better, or nothing helps what does not fit."""
    best = max(trials, key=lambda t: t.gain, default=None)
    if best is not None and best.is_better:
        return abs(best.n_off) == FURTHEST
    return variance < control + ABOVE_CONTROL


def _output(site: Site) -> Site:
    return Site("", site.written, "output", site.layer)


def _nothing(_x: Tensor) -> tuple[Tensor, Tensor]:
    raise ComputeError("plain directions reconstruct nothing.")


def _way(other: OtherSite, apply: Apply) -> Way:
    correct: dict[str, Any] = {"hook_name": other.name}
    if other.name_out:
        correct["hook_name_out"] = other.name_out
    return Way("layer" if other.n_off else "site", f"at {other.name}", apply, correct)


def _kind(way: Way) -> Kind:
    kind: Any = way.kind
    return kind


def _score(found: Measured) -> Score:
    return Score(explained_variance=found.variance, l0=found.l0, n=len(found.errors))


def _finite(x: float) -> float | None:
    return x if math.isfinite(x) else None
