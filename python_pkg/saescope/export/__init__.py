"""An index written for other tools and for tables: what ``scope.export`` calls.

An exporter is a function ``(scope, target, features, progress, **options)``: it writes the features, whose
numbers it is given, into the empty folder or the file ``target``, and may leave it half-written when it
raises: the caller throws it away. Its attribute ``is_folder`` says which of the two it writes. Others add
theirs with the entry-point group ``saescope.exporters``.
"""

from saescope.registries import Registry

REGISTRY = Registry(
    "exporters",
    {
        "csv": "saescope.export.tables:write_csv",
        "neuronpedia": "saescope.export.neuronpedia:write_neuronpedia",
        "parquet": "saescope.export.tables:write_parquet",
        "saedashboard": "saescope.export.saedashboard:write_saedashboard",
    },
)

__all__ = ["REGISTRY"]
