"""Models and SAEs: loading them, finding the site, checking that they fit together.

SAE sources are a registry: a source has ``can_load(spec)`` and
``load(spec, device=…, dtype=…)`` and returns a sae-lens SAE with a name.
"""

from saescope.registries import Registry

REGISTRY = Registry(
    "sources",
    {
        "crosscoder": "saescope.sources.crosscoder:CrosscoderSource",
        "directions": "saescope.sources.directions:DirectionsSource",
        "folder": "saescope.sources.folder:FolderSource",
        "object": "saescope.sources.memory:ObjectSource",
        "release": "saescope.sources.release:ReleaseSource",
    },
)
