"""Panels: anywidget classes that show a view of ``js/`` in a cell."""

from saescope.registries import Registry

REGISTRY = Registry(
    "panels",
    {
        "browser": "saescope.panels.browser:Browser",
        "circuit": "saescope.panels.circuit:CircuitPanel",
        "compare": "saescope.panels.compare:Compare",
        "effects": "saescope.panels.effects:Effects",
        "feature": "saescope.panels.feature:Feature",
        "features": "saescope.panels.features:Features",
        "health": "saescope.panels.health:HealthPanel",
        "map": "saescope.panels.map:Map",
        "neighbors": "saescope.panels.neighbors:Neighbors",
        "picker": "saescope.panels.picker:Picker",
        "prompt": "saescope.panels.prompt:Prompt",
        "share": "saescope.panels.share:Share",
        "steer": "saescope.panels.steer:Steer",
        "try_it": "saescope.panels.try_it:TryIt",
    },
)
