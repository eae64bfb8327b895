"""What a panel leaves in a notebook: enough to read without kernel, widget or network."""

import html
from typing import Any

from saescope.query.examples import find_windows
from saescope.rpc import codec
from saescope.rpc.handlers import example, feature_page, scope_info
from saescope.scope import Scope

MIME = "application/vnd.saescope.v1+json"
N_ROWS, N_EXAMPLES, CONTEXT = 20, 10, 12


def snapshot(scope: Scope, panel: str, spec: dict[str, Any]) -> dict[str, Any]:
    """The panel's first rows, its open feature, and that feature's first examples; well under 50 kB."""
    saved: dict[str, Any] = {
        "version": 1,
        "panel": panel,
        "spec": spec,
        "snapshot": {"info": codec.encode(scope_info(scope)), "window": None, "page": None, "examples": []},
    }
    index = scope.index
    if index is None:
        return saved
    rows = scope.table.rows("max", has_fired=True)
    window = scope.table.window(rows, 0, N_ROWS)
    feature = spec.get("feature", int(rows[0]) if len(rows) else 0)
    saved["snapshot"] |= {
        "window": {"n_match": len(rows), "n_features": scope.n_features, "rows": window.to_dicts()},
        "page": codec.encode(feature_page(index, feature)),
        "examples": [
            codec.encode(example(index, w, "top")) for w in find_windows(index, feature, k=N_EXAMPLES, context=CONTEXT)
        ],
    }
    return saved


def static_html(saved: dict[str, Any]) -> str:
    """A plain table of the open feature's examples, with inline style and escaped text."""
    part = saved["snapshot"]
    info, page = part["info"], part["page"]
    head = f"<p><b>saescope</b> · {html.escape(info['name'])} · {info['n_features']:,} features</p>"
    if page is None:
        return f"<div>{head}<p>No index yet.</p></div>"
    peak = max((e["activation"] for e in part["examples"]), default=1.0)
    rows = "".join(
        f'<tr><td style="text-align:right;vertical-align:top">{e["activation"]:.3g}</td>'
        f'<td style="text-align:left;font-family:monospace">{_shaded(e, peak)}</td></tr>'
        for e in part["examples"]
    )
    facts = f"feature {page['feature']} · fires on {100 * page['density']:.3g} % · max {page['max']:.3g}"
    promoted = ", ".join(repr(t["text"]) for t in page["promoted"][:8])
    return f"<div>{head}<p>{facts}<br>promotes {html.escape(promoted)}</p><table>{rows}</table></div>"


def _shaded(shown: dict[str, Any], peak: float) -> str:
    parts = []
    for text, value in zip(shown["texts"], shown["activations"], strict=True):
        escaped = html.escape(text).replace("\n", "⏎")
        strength = min(abs(value) / peak, 1.0) ** 0.5 if peak else 0.0
        parts.append(
            f'<span style="background:rgba(240,140,0,{0.6 * strength:.2f})" title="{value:.3g}">{escaped}</span>'
            if value
            else escaped
        )
    return "".join(parts)


def static_text(scope: Scope, saved: dict[str, Any]) -> str:
    """Readable text for a terminal."""
    page = saved["snapshot"]["page"]
    if page is None:
        return repr(scope)
    lines = [repr(scope), f"feature {page['feature']}: fires on {100 * page['density']:.3g} %, max {page['max']:.3g}"]
    return "\n".join([*lines, *(_line(e) for e in saved["snapshot"]["examples"])])


def _line(shown: dict[str, Any]) -> str:
    texts, peak = shown["texts"], shown["peak"]
    marked = [*texts[:peak], f"[{texts[peak]}]", *texts[peak + 1 :]]
    return f"{shown['activation']:8.3g}  {''.join(marked)}".replace("\n", "⏎")
