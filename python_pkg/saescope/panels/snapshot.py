"""What a panel leaves in a notebook: enough to read without kernel, widget or network.

A snapshot is the answers to some requests, recorded; ``js/src/ports/snapshot.ts`` plays them.
"""

import base64
import html
from typing import Any

import polars as pl

from saescope.errors import SaescopeError
from saescope.findings.texts import in_html, one_line
from saescope.query.examples import find_windows
from saescope.rpc import codec
from saescope.rpc.calls import Answer, Call
from saescope.rpc.handlers.forming import example
from saescope.rpc.handlers.page import feature_page
from saescope.rpc.handlers.subjects import scope_info
from saescope.rpc.messages.frames import RequestFrame
from saescope.rpc.methods import find_method
from saescope.scope import Scope

MIME = "application/vnd.saescope.v1+json"
N_EXAMPLES, CONTEXT = 10, 12
N_HTML_ROWS = 20
MAX_BUFFER_BYTES = 60_000

Requests = list[tuple[str, dict[str, Any]]]


def first_feature(scope: Scope) -> int:
    """What a panel opens when nothing was chosen: the feature with the largest activation."""
    rows = scope.table.rows("max") if scope.index is not None else []
    return int(rows[0]) if len(rows) else 0


def snapshot(scope: Scope, view: str, spec: dict[str, Any], requests: Requests) -> dict[str, Any]:
    """A panel's spec with the answers to some requests; what fails or is too large is left out."""
    answers = [] if scope.index is None else [a for method, params in requests if (a := _record(scope, method, params))]
    return {"version": 2, "panel": view, "spec": spec, "info": codec.encode(scope_info(scope)), "answers": answers}


def marks_asked(scope: Scope, feature: int) -> Requests:
    """The request for the marks of a feature's first examples, if it has any."""
    try:
        if scope.index is None or not scope.notes.n_marked(feature):
            return []
        rows = [w.row for w in find_windows(scope.index, feature, k=N_EXAMPLES, context=CONTEXT)]
    except SaescopeError:
        return []
    return [("marks.get", {"feature": feature, "rows": rows})]


def _record(scope: Scope, method: str, params: dict[str, Any]) -> dict[str, Any] | None:
    events: list[dict[str, Any]] = []

    def hear(frame: dict[str, Any], _buffers: Any) -> None:
        events.append(frame["data"])

    call = Call(RequestFrame(rid="", method=method), hear)
    try:
        asked = find_method(method)
        found = asked.handler(call, codec.decode(asked.params, {"scope": scope.id} | params))
    except SaescopeError:
        return None
    answer = found if isinstance(found, Answer) else Answer(found)
    if sum(map(len, answer.buffers)) > MAX_BUFFER_BYTES:
        return None
    return {
        "method": method,
        "params": params,
        "data": codec.encode(answer.message),
        "events": events,
        "buffers": [base64.b64encode(b).decode() for b in answer.buffers],
    }


def html_table(scope: Scope, frame: pl.DataFrame) -> str:
    """The first rows of a frame as a plain table, with escaped text."""
    head = f"<p><b>saescope</b> · {html.escape(scope.name)} · {scope.n_features:,} features</p>"
    return f"<div>{head}{plain_table(frame)}</div>"


def plain_table(frame: pl.DataFrame) -> str:
    """The first rows of a frame as a table of escaped text."""
    names = "".join(f"<th>{in_html(name)}</th>" for name in frame.columns)
    rows = "".join(
        "<tr>" + "".join(f"<td>{in_html(_cell(v))}</td>" for v in row) + "</tr>"
        for row in frame.head(N_HTML_ROWS).rows()
    )
    more = f"<p>{len(frame):,} rows</p>" if len(frame) > N_HTML_ROWS else ""
    return f"<table><tr>{names}</tr>{rows}</table>{more}"


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return " ".join(_cell(v) for v in value[:10])
    return "" if value is None else str(value)


def feature_html(scope: Scope, feature: int) -> str:
    """A feature's figures and shaded examples, with inline style and escaped text."""
    index = scope.require_index()
    page = feature_page(index, feature)
    shown = [example(index, w, "top") for w in find_windows(index, feature, k=N_EXAMPLES, context=CONTEXT)]
    head = f"<p><b>saescope</b> · {html.escape(scope.name)} · {scope.n_features:,} features</p>"
    peak = max((e.activation for e in shown), default=1.0)
    rows = "".join(
        f'<tr><td style="text-align:right;vertical-align:top">{e.activation:.3g}</td>'
        f'<td style="text-align:left;font-family:monospace">{_shaded(e.texts, e.activations, peak)}</td></tr>'
        for e in shown
    )
    facts = f"feature {page.feature} · {_density(page.density)} · max {page.max:.3g}"
    promoted = ", ".join(repr(t.text) for t in page.promoted[:8])
    return f"<div>{head}<p>{facts}<br>promotes {in_html(promoted)}</p><table>{rows}</table></div>"


def _density(density: float | None) -> str:
    return "how often it fires is not known" if density is None else f"fires on {100 * density:.3g} %"


def _shaded(texts: list[str], activations: list[float], peak: float) -> str:
    parts = []
    for text, value in zip(texts, activations, strict=True):
        escaped = in_html(text)
        strength = min(abs(value) / peak, 1.0) ** 0.5 if peak else 0.0
        parts.append(
            f'<span style="background:rgba(240,140,0,{0.6 * strength:.2f})" title="{value:.3g}">{escaped}</span>'
            if value
            else escaped
        )
    return "".join(parts)


def feature_text(scope: Scope, feature: int) -> str:
    """A feature's figures and examples for a terminal."""
    index = scope.require_index()
    page = feature_page(index, feature)
    lines = [repr(scope), f"feature {page.feature}: {_density(page.density)}, max {page.max:.3g}"]
    shown = (example(index, w, "top") for w in find_windows(index, feature, k=N_EXAMPLES, context=CONTEXT))
    return "\n".join([*lines, *(_line(e.texts, e.peak, e.activation) for e in shown)])


def _line(texts: list[str], peak: int, activation: float) -> str:
    marked = [*texts[:peak], f"[{texts[peak]}]", *texts[peak + 1 :]]
    return f"{activation:8.3g}  {one_line(''.join(marked))}"
