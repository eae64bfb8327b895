"""Tables of a scope as they are read: a feature's figures, its examples with their shading, effects, and all else."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from saescope.findings import plots
from saescope.findings.numbers import number, share
from saescope.findings.parts import Column, Figure, Part, Passage, Passages, Table, Tokens, Value

MOST_ROWS = 20
MOST_TOKENS = 10
HEADS = {
    "delta_logprob": "Δ log p (nats)",
    "delta_logprob_after": "Δ log p after (nats)",
    "delta_contrast": "Δ contrast (logits)",
    "delta_loss": "Δ loss (nats)",
    "kl": "KL (nats)",
    "kl_after": "KL after (nats)",
    "control_delta_logprob": "control Δ log p",
    "control_delta_logprob_after": "control Δ log p after",
    "control_kl": "control KL",
    "control_kl_after": "control KL after",
    "logprob": "log p (nats)",
    "logprob_before": "log p before (nats)",
    "pos": "position",
    "n": "n",
    "of": "of",
    "low": "95 % from",
    "high": "to",
    "is_exact": "exact",
    "is_natural": "natural",
    "n_fires": "fires on",
    "source_token": "token",
    "top_tokens": "fires most on",
}
WORDS = {"delta_logprob": "Δ log p", "kl": "KL", "delta_logprob_after": "Δ log p after", "kl_after": "KL after"}
HIDDEN = {
    "token_ids", "token_id", "next_token_id", "tokens", "activations", "features", "at", "raised", "lowered",
    "controls", "row", "passage", "error", "is_counted", "first_difference", "natural_low", "natural_high", "q50",
    "q99", "relative", "is_current", "delta_loss", "logprob_before", "n_changed", "n_after",
}  # fmt: skip
SAID = {"feature", "group", "kind", "method", "baseline", "prompt", "is_exact", "pos", "next_token", "n", "strength"}
"""Columns that are said once where all rows are the same."""
TOKENS = {"token", "next_token", "source_token"}
NUMBERS = {"feature", "pos", "doc", "layer", "head", "rank"}
"""Columns whose numbers are names."""


def parts_of(frame: pl.DataFrame, marks: Mapping[int, str] | None = None) -> tuple[Part, ...]:
    """What to show of a table, by its columns.

    Parameters
    ----------
    frame
        What a method of a scope gives.
    marks
        What a person said of examples, by their row.
    """
    columns = set(frame.columns)
    if {"histogram", "promoted", "n_counted"} <= columns and frame.height == 1:
        return (_figures(frame.row(0, named=True)),)
    if {"tokens", "activations", "peak", "activation", "rank"} <= columns:
        return (_examples(frame, marks or {}),)
    drawn = plots.sweep(frame) if {"strength", "is_natural"} <= columns else None
    return (drawn, _table(frame)) if drawn else (_table(frame),)


def figure_of(frame: pl.DataFrame, feature: int | None = None) -> Figure | None:
    """What to draw of a table, by its columns: a histogram, or a map with one feature marked; else nothing."""
    columns = set(frame.columns)
    if {"histogram", "max"} <= columns and frame.height == 1:
        row = frame.row(0, named=True)
        return plots.histogram(row) if row["histogram"] else None
    if {"x", "y", "cluster"} <= columns and feature is not None:
        return plots.on_map(frame, feature)
    return None


def _figures(row: dict[str, Any]) -> Table:
    """A feature's figures, as facts."""
    facts: list[tuple[str, Value]] = [("fires on", plots.density(row))]
    spread = f"max {number(row['max'])} · mean {number(row['mean'])} · standard deviation {number(row['std'])}"
    facts.append(("activation when it fires", spread))
    quantiles = [
        f"{name[1:]} % {number(row[name])}" for name in ("q10", "q50", "q90", "q99") if row.get(name) is not None
    ]
    if quantiles:
        facts.append(("quantiles", " · ".join(quantiles)))
    weights = [
        f"{what} {number(row[name])}"
        for name, what in (
            ("cosine", "cosine of encoder and decoder"),
            ("threshold", "threshold"),
            ("encoder_bias", "encoder bias"),
            ("decoder_norm", "decoder norm"),
        )
        if row.get(name) is not None
    ]
    if weights:
        facts.append(("weights", " · ".join(weights)))
    if row.get("top_tokens"):
        facts.append(("fires most on", Tokens(row["top_tokens"][:MOST_TOKENS])))
        facts.append(("their share of it", share(sum(row.get("top_shares") or []))))
    facts += [
        (f"{name} (logit lens)", Tokens(row[name][:MOST_TOKENS]))
        for name in ("promoted", "suppressed")
        if row.get(name)
    ]
    return Table((), tuple(facts))


def _examples(frame: pl.DataFrame, marks: Mapping[int, str]) -> Passages:
    """Examples, shaded up to the strongest token there is."""
    has_source = "source" in frame.columns and frame["source"].n_unique() > 1
    columns = (Column("activation", is_number=True), *((Column("from"),) if has_source else ()))
    rows = []
    top = 0.0
    for row in frame.iter_rows(named=True):
        values = [float(v or 0.0) for v in row["activations"]]
        top = max(top, abs(float(row["activation"])), *(abs(v) for v in values))
        lead = (number(row["activation"]), *((row["source"] or "",) if has_source else ()))
        rows.append(Passage(lead, row["tokens"], values, row["peak"], marks.get(int(row.get("row") or 0), "")))
    return Passages(columns, tuple(rows), top)


def _table(frame: pl.DataFrame) -> Table:
    """Any table: what can be read of it, some rows, and how many there are."""
    said, names = [], []
    for name, kind in frame.schema.items():
        is_texts = kind == pl.List(pl.String)
        if name in HIDDEN or (kind.is_nested() and not is_texts) or frame[name].null_count() == frame.height:
            continue
        if name in SAID and frame.height > 1 and frame[name].n_unique() == 1:
            said.append(f"{HEADS.get(name, _readable(name))} {_said(_value(frame[name][0], name))}")
        else:
            names.append(name)
    columns = tuple(Column(HEADS.get(n, _readable(n)), frame.schema[n].is_numeric()) for n in names)
    shown = frame.head(MOST_ROWS)
    rows = tuple(tuple(_value(row[n], n) for n in names) for row in shown.iter_rows(named=True))
    if frame.height > MOST_ROWS:
        said.append(f"{MOST_ROWS} of {frame.height:,} rows")
    if not frame.height:
        said.append("no rows")
    return Table(columns, rows, " · ".join(said))


def _readable(name: str) -> str:
    return name.removeprefix("n_").replace("_", " ")


def _said(value: Value) -> str:
    return " ".join(value.texts) if isinstance(value, Tokens) else value


def _value(value: Any, name: str) -> Value:
    if name in NUMBERS and isinstance(value, int):
        return str(value)
    if name in TOKENS and isinstance(value, str):
        return Tokens([value])
    if isinstance(value, list):
        return Tokens([str(v) for v in value[:MOST_TOKENS]])
    if isinstance(value, bool | int | float | np.number):
        return number(value)
    if value is None:
        return "–"
    return WORDS.get(value, value) if isinstance(value, str) else str(value)
