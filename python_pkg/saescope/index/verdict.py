"""What to think of a pairing: fits, in doubt, does not fit; why, and what it is told by.

- *does not fit*: the SAE does no better than on shuffled activations, or nothing could be measured because
  model or SAE is broken;
- *in doubt*: something that was tried is clearly better, a figure is not as published, the model is
  not the one that the SAE names, or little is kept;
- *fits, base model unconfirmed*: none of these, and nothing tells whether the model is the one that the SAE
  was trained on: one that was tuned a little measures the same;
- *fits*: none of these;
- *not measured*: the text was too short, or the SAE reconstructs nothing.
"""

from typing import Literal

from saescope.index.pairing import ABOVE_CONTROL, PairingCheck

Verdict = Literal["fits", "unconfirmed", "doubtful", "wrong", "unknown"]

LEAST_VARIANCE, LEAST_RECOVERED = 0.3, 0.5
LEAST_LOSS_NATS = 0.1
L0_FACTOR, VARIANCE_OFF = 2.0, 0.15
MOST_FIRING = 0.25
DRIFT = 0.06

CAUSES: dict[str, str] = {
    "layer": "site off by one?",
    "site": "another site?",
    "bos": "BOS?",
    "normalization": "normalisation?",
    "centering": "centring?",
    "scale": "scale of the activations?",
    "bias": "decoder bias on the input?",
    "weights": "weights transposed?",
    "base": "another base model?",
    "published": "not as published",
    "quality": "explains little",
}
"""What a badge says of each cause."""


def off_published(check: PairingCheck) -> list[str]:
    """Where the figures are not as published, in sentences."""
    score, told = check.score, []
    if score is None:
        return []
    l0, variance = check.published.get("l0"), check.published.get("explained_variance")
    if l0 and not 1 / L0_FACTOR <= score.l0 / l0 <= L0_FACTOR:
        told.append(f"L0 is {score.l0:.3g}, and {l0:.3g} was published.")
    if variance and abs(score.explained_variance - variance) > VARIANCE_OFF:
        told.append(f"Explained variance is {score.explained_variance:.2f}, and {variance:.2f} was published.")
    return told


def is_like_control(check: PairingCheck) -> bool:
    """Whether the SAE does no better at the site than on the site's activations shuffled."""
    if check.score is None or check.control is None:
        return False
    variance = check.score.explained_variance
    return variance <= 0 or variance < check.control.explained_variance + ABOVE_CONTROL


def recovers_little(check: PairingCheck) -> bool:
    """Whether the reconstruction keeps less than half of a loss that is worth measuring."""
    losses = check.losses
    if losses is None or losses.mean - losses.clean < LEAST_LOSS_NATS:
        return False
    kept = losses.recovered()
    return kept is not None and kept < LEAST_RECOVERED


def verdict(check: PairingCheck) -> Verdict:
    """What to think of the pairing."""
    if check.failure:
        return "wrong" if check.is_broken else "unknown"
    if check.score is None:
        return "unknown"
    if is_like_control(check) or check.score.l0 == 0:
        return "wrong"
    if reasons(check):
        return "doubtful"
    return "unconfirmed" if check.untold else "fits"


def reasons(check: PairingCheck) -> list[tuple[str, str]]:
    """Why it is not green: a key of ``CAUSES`` and a sentence each, the likeliest first."""
    found: list[tuple[str, str]] = []
    cause, score = check.cause, check.score
    if score is None:
        return found
    if cause is not None:
        now, then = cause.score.explained_variance, score.explained_variance
        found.append(
            (cause.kind, f"{_begun(cause.what)} explains {now:.1%} of the variance; as loaded it is {then:.1%}.")
        )
    found += check.remarks
    if is_like_control(check) and cause is None:
        found.append(("quality", "It does no better here than on shuffled activations; nothing that was tried helps."))
    found += [("published", told) for told in off_published(check)]
    if cause is None and not check.remarks and check.drift is not None and check.drift > DRIFT:
        told = f"{check.drift:.1%} of the error is the same on every token, which points to another base model or text."
        found.append(("base", told))
    if score.explained_variance < LEAST_VARIANCE and not is_like_control(check):
        found.append(("quality", f"It explains {score.explained_variance:.1%} of the variance only."))
    if recovers_little(check):
        kept = check.losses.recovered() if check.losses else None
        found.append(("quality", f"Its reconstruction keeps {kept or 0:.1%} of the loss only."))
    if 0 < check.n_features < score.l0 / MOST_FIRING:
        found.append(("quality", f"{score.l0:,.0f} features fire on a token, more than a quarter of all."))
    return found


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]


WORDS: dict[Verdict, str] = {
    "fits": "fits",
    "unconfirmed": "fits, base model unconfirmed",
    "doubtful": "in doubt",
    "wrong": "does not fit",
    "unknown": "not measured",
}


def headline(check: PairingCheck) -> str:
    """The badge in a few words, as in ``in doubt: site off by one?``."""
    word = WORDS[verdict(check)]
    why = reasons(check)
    if check.failure or not why:
        return word
    return f"{word}: {cause_words(why[0][0], check)}"


def cause_words(key: str, check: PairingCheck) -> str:
    """What to call a cause; that of a trial by what it was."""
    cause = check.cause
    if cause is None or key != cause.kind:
        return CAUSES[key]
    if key == "layer":
        return "site off by one?" if abs(cause.n_off) == 1 else f"site off by {abs(cause.n_off)}?"
    if key == "bos":
        return "BOS missing?" if cause.correct.get("prepend_bos") else "BOS added?"
    return CAUSES[key]


def told(check: PairingCheck) -> str:
    """All of it in a sentence or two, for exports."""
    if check.failure:
        return f"Pairing {headline(check)}: {check.failure}"
    said = [f"Pairing {headline(check)}."]
    if check.score is not None:
        figures = [f"explained variance {check.score.explained_variance:.3f}", f"L0 {check.score.l0:.1f}"]
        if check.losses is not None and (kept := check.losses.recovered()) is not None:
            figures.append(f"loss recovered {kept:.1%} against the mean")
        if check.control is not None:
            figures.append(f"shuffled control {check.control.explained_variance:.3f}")
        said.append(f"{_begun(', '.join(figures))}; on {check.score.n:,} tokens of {check.text}.")
    return " ".join([*said, *(why for _, why in reasons(check)), check.untold]).strip()


def cause_keys(check: PairingCheck) -> list[str]:
    """Keys of ``CAUSES`` that hold, the likeliest first."""
    return [key for key, _ in reasons(check)]
