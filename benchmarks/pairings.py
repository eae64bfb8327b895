"""Pairings that are wrong on purpose, and the right one on many texts: what the badge says of each.

``python -m benchmarks.pairings MODEL SAE CORPUS [CORPUS …] [--tuned DIR …] [--only WORD]`` prints two tables. The SAE
reads the output of a block. ``--tuned`` gives fine-tuned copies of the model.
"""

import argparse
import gzip
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import saescope
from saescope.errors import SaescopeError
from saescope.index.verdict import cause_keys, headline, verdict
from saescope.indexing.checking import bundled_text
from saescope.sources.correcting import corrected, with_weights
from saescope.sources.model import load_model
from saescope.sources.sae import load_sae

LENGTHS = (64, 128, 512, 2000)


@dataclass
class Case:
    """One pairing: what is wrong with it, and what the badge should call it."""

    name: str
    sae: Any
    cause: str
    fix: dict[str, Any] = field(default_factory=dict)
    model: Any = None


def wrong_files(sae: Any) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """SAEs as a faulty converter writes them."""
    enc, dec = sae.W_enc.detach(), sae.W_dec.detach()
    flat_enc, flat_dec = enc.T.contiguous().reshape(enc.shape), dec.T.contiguous().reshape(dec.shape)
    yield "encoder transposed by reshape", with_weights(sae, W_enc=flat_enc), {"weights": "encoder"}
    yield "decoder transposed by reshape", with_weights(sae, W_dec=flat_dec), {"weights": "decoder"}
    yield "both transposed by reshape", with_weights(sae, W_enc=flat_enc, W_dec=flat_dec), {"weights": "both"}
    yield "encoder and decoder exchanged", with_weights(sae, W_enc=dec.T, W_dec=enc.T), {"weights": "exchanged"}
    norms = 1 + (dec.norm(dim=-1, keepdim=True) * 0 + 1) * _ramp(len(dec)).to(dec)
    folded = with_weights(sae, W_enc=enc * norms.T, b_enc=sae.b_enc * norms[:, 0], W_dec=dec * norms)
    if hasattr(folded, "threshold"):
        folded = with_weights(folded, threshold=sae.threshold * norms[:, 0])
    yield "decoder norms folded into the encoder only", folded, {"weights": "unit"}


def _ramp(n: int) -> Any:
    import torch

    return torch.linspace(0.5, 3.0, n)[:, None]


def average_factor(pair: Any, sae: Any, layer: int) -> float:
    """What brings the site's activations to an average length of ``sqrt(d_in)``."""
    import torch

    model, tokenizer = pair
    tokens = tokenizer(bundled_text(), return_tensors="pt")["input_ids"][:, :512]
    with torch.no_grad():
        read = model(tokens, output_hidden_states=True).hidden_states[layer + 1][0, 1:]
    return sae.cfg.d_in**0.5 / read.norm(dim=-1).mean().item()


def cases(pair: Any, sae: Any, tuned: list[str]) -> Iterator[Case]:
    """All that is wrong on purpose."""
    layer = int(sae.cfg.metadata.hook_name.split(".")[1])
    right = sae.cfg.metadata.hook_name
    for by in (by for by in (-1, 1, -2, 2) if layer + by >= 0):
        name = f"blocks.{layer + by}.hook_resid_post"
        yield Case(f"site {by:+d} block", corrected(sae, {"hook_name": name}), "layer", {"hook_name": right})
    for hook in ("hook_resid_mid", "hook_mlp_out", "hook_attn_out"):
        name = f"blocks.{layer}.{hook}"
        yield Case(f"site {name}", corrected(sae, {"hook_name": name}), "site", {"hook_name": right})
    far = f"blocks.{layer + 10}.hook_resid_post"
    yield Case(f"site {far}", corrected(sae, {"hook_name": far}), "layer", {"hook_name": right})
    bos = bool(sae.cfg.metadata.prepend_bos)
    yield Case(
        "BOS dropped" if bos else "BOS added", corrected(sae, {"prepend_bos": not bos}), "bos", {"prepend_bos": bos}
    )
    average = average_factor(pair, sae, layer)
    skipped = corrected(sae, {"scale": 1 / average})
    yield Case("normalisation (average) skipped", skipped, "normalization", {"scale": average})
    for name in ("layer_norm", "constant_norm_rescale"):
        wrong = corrected(sae, {"normalize_activations": name})
        yield Case(f"normalisation {name} applied", wrong, "normalization", {"normalize_activations": "none"})
    for factor in (0.25, 4.0):
        yield Case(f"scale folded twice, {factor:g}", corrected(sae, {"scale": factor}), "scale", {"scale": 1 / factor})
    on = bool(sae.cfg.apply_b_dec_to_input)
    flipped = corrected(sae, {"apply_b_dec_to_input": not on})
    yield Case("decoder bias on the input, flipped", flipped, "bias", {"apply_b_dec_to_input": on})
    for name, wrong, fix in wrong_files(sae):
        yield Case(name, wrong, "weights", fix)
    for folder in tuned:
        yield Case(f"base fine-tuned: {folder.rstrip('/').rpartition('/')[2]}", sae, "base", model=folder)
    yield Case("SAE of another width", narrower(sae), "refused")


def narrower(sae: Any) -> Any:
    """The SAE without its last 64 inputs, as one of a smaller model."""
    made = corrected(sae, {})
    made.cfg.d_in -= 64
    size = made.cfg.d_in
    return with_weights(made, W_enc=sae.W_enc[:size], W_dec=sae.W_dec[:, :size], b_dec=sae.b_dec[:size])


def is_right(case: Case, found: Any) -> bool:
    """Whether the cause that is named is the one that was made, and what to do about it too."""
    keys = cause_keys(found)
    if not keys or (keys[0] != case.cause and {keys[0], case.cause} != {"scale", "normalization"}):
        return False
    if not case.fix:
        return True
    for name, value in case.fix.items():
        got = found.cause.correct.get(name) if found.cause else None
        is_near = isinstance(value, float) and isinstance(got, float) and 0.5 < got / value < 2
        if got != value and not is_near:
            return False
    return True


def run_wrong(pair: Any, sae: Any, tuned: list[str], only: str) -> None:
    """The table of wrong pairings."""
    n = n_green = n_named = 0
    for case in cases(pair, sae, tuned):
        if only and only not in case.name:
            continue
        n += 1
        own = pair if case.model is None else _pair(case.model)
        try:
            scope = saescope.load(own, sae=case.sae, check=False)
        except SaescopeError as err:
            n_named += case.cause == "refused" or "has blocks 0 to" in err.message
            _say(case.name, "refused", err.message)
            continue
        start = time.process_time()
        scope.check()
        found = scope.pairing
        assert found is not None
        named = is_right(case, found)
        n_named += named
        n_green += verdict(found) == "fits"
        score = found.score
        figures = (
            f"EV {score.explained_variance:7.3f}  L0 {score.l0:6.1f}  drift {found.drift or 0:.3f}"
            if score
            else found.failure
        )
        better = f"{found.cause.correct}" if found.cause else ""
        _say(
            case.name,
            headline(found),
            f"{figures}  {'named' if named else 'NOT NAMED'}  {better}  {time.process_time() - start:.1f} s of CPU",
        )
    sys.stdout.write(f"\n{n} wrong: {n_green} green, {n_named} named rightly\n")


def run_right(pair: Any, sae: Any, corpora: list[str]) -> None:
    """The right pairing on texts of every source, and of several lengths."""
    n = n_green = 0
    for source, texts in _sources(corpora).items():
        for length in LENGTHS if source in ("wikitext", "movies") else LENGTHS[1:2]:
            scope = saescope.load(pair, sae=sae, check=False)
            scope.check(texts, n_tokens=length)
            found = scope.pairing
            assert found is not None
            n += 1
            n_green += verdict(found) == "fits"
            score, best = found.score, max(t.gain for t in found.trials)
            _say(
                f"{source}, {length} tokens",
                headline(found),
                f"EV {score.explained_variance:.3f}  L0 {score.l0:.1f}  drift {found.drift:.3f}  best trial {best:+.4f}"
                if score
                else found.failure,
            )
    sys.stdout.write(f"\n{n} right: {n_green} green\n")


def _sources(corpora: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in corpora:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                one = json.loads(line)
                found.setdefault(one["source"], []).append(one["text"])
    return {name: texts[3:40] for name, texts in found.items()}


def _pair(model: Any) -> Any:
    loaded = load_model(model, device="cpu")
    return loaded.model, loaded.tokenizer


def _say(*parts: str) -> None:
    sys.stdout.write(f"{parts[0]:<46} {parts[1]:<40} {parts[2]}\n")
    sys.stdout.flush()


def main() -> None:
    """Run both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("sae")
    parser.add_argument("corpora", nargs="*")
    parser.add_argument("--tuned", action="append", default=[])
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    pair, sae = _pair(given.model), load_sae(given.sae).sae
    run_wrong(pair, sae, given.tuned, given.only)
    run_right(pair, sae, given.corpora)


if __name__ == "__main__":
    main()
