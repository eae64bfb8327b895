"""The SAE's and the index's own numbers."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from saescope import live
from saescope.index.store import Index
from saescope.query.health import DENSE, JUDGED, MEANINGS, THRESHOLDS, Bins, Figure, best, differences, worst
from saescope.rpc.calls import Call
from saescope.rpc.handlers.forming import short
from saescope.rpc.messages.health import (
    Health,
    HealthBins,
    HealthFact,
    HealthFigure,
    Measured,
    MeasureParams,
    Measuring,
)
from saescope.rpc.messages.scopes import ScopeParams

if TYPE_CHECKING:
    from saescope.indexing.measuring import Running

TELL_S = 0.25


def _health_get(_call: Call, params: ScopeParams) -> Health:
    scope = live.get(params.scope)
    found, measured = scope.read_health(), scope.measured
    figures = [*found.figures, *measured]
    return Health(
        grade=worst(figures),
        judged=list(JUDGED),
        figures=[_figure(f) for f in figures],
        best=[_figure(f) for f in best(figures)],
        n_features=found.n_features,
        n_alive=found.n_alive,
        n_dense=found.n_dense,
        dense=DENSE,
        density=_bins(found.density),
        maxima=_bins(found.maxima),
        l0=None if found.l0 is None else _bins(found.l0),
        warnings=found.warnings,
        differences=differences(found.figures, measured),
        facts=_facts(scope.require_index()),
    )


def _health_measure(call: Call, params: MeasureParams) -> Measured:
    scope = live.get(params.scope)
    told_at = 0.0

    def tell(part: "Running", figures: Sequence[Figure]) -> None:
        nonlocal told_at
        if time.monotonic() - told_at < TELL_S:
            return
        told_at = time.monotonic()
        left = part.seconds_left
        shown = [_figure(f) for f in figures]
        call.emit(Measuring(stage=part.stage, done=part.done, total=part.total, seconds_left=left, figures=shown))

    scope.measure_health(params.n_tokens, check=call.check, on_part=tell)
    measured = scope.measured
    before = scope.read_health().figures if scope.index is not None else []
    return Measured(figures=[_figure(f) for f in measured], differences=differences(before, measured))


def _figure(figure: Figure) -> HealthFigure:
    good, fair = THRESHOLDS.get(figure.name, (None, None))
    return HealthFigure(
        name=figure.name,
        value=None if figure.value is None else short(figure.value),
        error=None if figure.error is None else short(figure.error),
        n=figure.n,
        source=figure.source,
        grade=figure.grade,
        meaning=MEANINGS[figure.name],
        good=good,
        fair=fair,
    )


def _bins(bins: Bins) -> HealthBins:
    return HealthBins(edges=[short(e) for e in bins.edges], counts=bins.counts)


def _facts(index: Index) -> list[HealthFact]:
    m = index.manifest
    rows = {
        "model": f"{m.model.get('name', '')} · {m.model.get('dtype', '')} · {m.model.get('fingerprint', '')[:8]}",
        "SAE": f"{m.sae.get('name', '')} · {m.sae.get('architecture', '')} · {m.sae.get('fingerprint', '')[:8]}",
        "site": m.sae.get("hook_name", "") + (f" · {m.d_in:,} wide" if m.d_in else ""),
        "text": f"{m.corpus.get('name', '')} · {m.corpus.get('n_docs', 0):,} documents · {m.n_rows:,} tokens",
        "contexts": f"of {m.context_size:,} tokens · {'packed' if m.is_packed else 'documents apart'}",
        "not counted": index.layout.rule.told(),
        "made": f"{m.created.replace('T', ' ')[:16]} · {m.made_by}" if m.created else m.made_by,
    }
    return [HealthFact(name=name, value=value) for name, value in rows.items()]


HANDLERS: dict[str, Callable[[Call, Any], Any]] = {"health.get": _health_get, "health.measure": _health_measure}
LONG = {"health.measure"}
ASIDE = {"health.get"}
