"""The foremost figure of a result, with its unit, for a list of results."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

Row = dict[str, Any]
METRICS = {"decoder": "cosine", "encoder": "cosine"}


def headline(method: str, args: Mapping[str, Any], frame: pl.DataFrame) -> str:
    """The foremost figure of a method's table; empty where it has no rows.

    Examples
    --------
    >>> headline("neighbors", {"metric": "decoder"}, pl.DataFrame({"feature": [7], "score": [0.623]}))
    '#7 · 0.62 cosine'
    """
    if frame.is_empty():
        return "no rows"
    try:
        return MADE[method](args, frame) if method in MADE else _rows(frame.height)
    except (pl.exceptions.PolarsError, KeyError, TypeError):  # a plug-in's table may have other columns
        return _rows(frame.height)


def signed(value: float | None, digits: int = 2) -> str:
    """A number with its sign; a true minus."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "+∞" if value > 0 else "−∞"
    shown = f"{abs(value):.{digits}f}" if abs(value) >= 0.1 or value == 0 else f"{abs(value):.2g}"
    is_zero = float(shown) == 0
    return shown if is_zero else f"{'−' if value < 0 else '+'}{shown}"


def _rows(n: int) -> str:
    return f"{n:,} row{'s' * (n != 1)}"


def _largest(frame: pl.DataFrame, name: str) -> Row:
    sizes = frame[name].fill_nan(None).abs() if frame[name].dtype.is_float() else frame[name].abs()
    at = sizes.arg_max()
    return frame.row(at or 0, named=True)


def _token(text: Any) -> str:
    return f" on “{text}”" if isinstance(text, str) and text else ""


def _ablate(args: Mapping[str, Any], frame: pl.DataFrame) -> str:
    name = "delta_contrast" if frame["delta_contrast"].is_not_null().any() else "delta_logprob"
    row = frame.row(-1, named=True) if args.get("target") is not None else _largest(frame, name)
    unit = "logits" if name == "delta_contrast" else "nats"
    return f"{signed(row[name])} {unit}{_token(row['next_token'])}"


def _sweep(_: Mapping[str, Any], frame: pl.DataFrame) -> str:
    row = _largest(frame, "delta_logprob")
    strength = f"{row['strength']:.3g}".replace("-", "−")
    return f"{signed(row['delta_logprob'])} nats{_token(row['next_token'])} at {strength}"


def _summary(_: Mapping[str, Any], frame: pl.DataFrame) -> str:
    found = frame.filter((pl.col("quantity") == "delta_logprob") & (pl.col("of") == "feature"))
    row = (found if found.height else frame).row(0, named=True)
    bounds = f" ({signed(row['low'])} to {signed(row['high'])})" if row["low"] is not None else ""
    return f"{signed(row['mean'])} nats{bounds}, n {row['n']}"


def _examples_effect(_: Mapping[str, Any], frame: pl.DataFrame) -> str:
    return f"{signed(_mean(frame['delta_logprob']))} nats, mean of {frame.height:,}"


def _mean(column: pl.Series) -> float | None:
    found: Any = column.fill_nan(None).mean()
    return found


def _steer(_: Mapping[str, Any], frame: pl.DataFrame) -> str:
    n = frame.height - 1
    kl = _mean(frame["kl"].slice(1))
    far = "" if kl is None else f" · KL {kl:.2f} nats a token"
    return f"{n} steered text{'s' * (n != 1)}{far}"


def _attribution(_: Mapping[str, Any], frame: pl.DataFrame) -> str:
    row = frame.row(0, named=True)
    return f"#{row['feature']} · {signed(row['attribution'])} nats ({row['method']})"


def _circuit(_: Mapping[str, Any], frame: pl.DataFrame) -> str:
    row = frame.filter(pl.col("kind") != "error").row(0, named=True)
    where = "" if row["layer"] is None else f" {row['layer']}" + ("" if row["head"] is None else f".{row['head']}")
    which = f" #{row['feature']}" if row["feature"] is not None else _token(row["source_token"])
    return f"{row['kind']}{where}{which} · {signed(row['score'])}"


def _neighbors(args: Mapping[str, Any], frame: pl.DataFrame) -> str:
    row = frame.row(0, named=True)
    metric = str(args.get("metric", "decoder"))
    return f"#{row['feature']} · {row['score']:.2f} {METRICS.get(metric, metric)}"


def _examples(_: Mapping[str, Any], frame: pl.DataFrame) -> str:
    most: Any = frame["activation"].max()
    return f"{frame.height:,} example{'s' * (frame.height != 1)}, at most {most:.3g}"


MADE: dict[str, Callable[[Mapping[str, Any], pl.DataFrame], str]] = {
    "ablate": _ablate,
    "ablate_examples": _examples_effect,
    "attribute": _attribution,
    "circuit": _circuit,
    "contrast": _examples,
    "effect_summary": _summary,
    "examples": _examples,
    "neighbors": _neighbors,
    "prompt": _attribution,
    "steer": _steer,
    "sweep": _sweep,
}
