"""Rows of Neuronpedia's tables; every row of a table has the same keys."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from saescope.export.records import Exported, Shown
from saescope.export.saedashboard import DECIMALS, printed, tables
from saescope.export.writing import floats, one

STEER_STRENGTH = 10.0
"""Neuronpedia's own default."""


@dataclass(frozen=True)
class Names:
    """What things are called there; ``created`` is a time in ISO 8601."""

    model: str
    source: str
    source_set: str
    release: str
    creator: str
    creator_name: str
    author: str
    hook: str
    created: str

    def key(self, *parts: object) -> str:
        """An identifier that is the same for the same thing: 25 letters and digits."""
        text = "\0".join(map(str, (self.model, self.source, *parts)))
        return "c" + hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def head_rows(
    names: Names, sizes: dict[str, int], dataset: str, notes: str, url: str, visibility: str
) -> dict[str, dict[str, Any]]:
    """One row each of release, model, source set and source, by the names of their files."""
    common = {"creatorId": names.creator, "visibility": visibility, "createdAt": names.created}
    urls = [url] if url else []
    return {
        "release": {
            **common,
            "name": names.release,
            "description": names.release,
            "descriptionShort": names.release,
            "urls": urls,
            "creatorName": names.creator_name,
            "creatorNameShort": names.creator_name,
            "creatorEmail": None,
            "isNewUi": True,
            "featured": False,
            "defaultSourceSetName": names.source_set,
            "defaultSourceId": names.source,
            "defaultUmapSourceIds": [],
        },
        "model": {
            **common,
            "id": names.model,
            "displayName": names.model,
            "displayNameShort": names.model,
            "tlensId": None,
            "dimension": None,
            "defaultSourceSetName": None,
            "defaultSourceId": None,
            "inferenceEnabled": False,
            "instruct": names.model.endswith("-it"),
            "layers": 0,
            "neuronsPerLayer": 0,
            "owner": "",
            "updatedAt": names.created,
            "website": None,
        },
        "sourceset": {
            **common,
            "modelId": names.model,
            "name": names.source_set,
            "hasDashboards": True,
            "description": names.source_set,
            "type": "",
            "creatorName": names.creator_name,
            "urls": urls,
            "creatorEmail": None,
            "releaseName": names.release,
            "defaultOfModelId": None,
            "defaultRange": 1,
            "defaultShowBreaks": True,
            "showDfa": False,
            "showCorrelated": False,
            "showHeadAttribution": False,
            "showUmap": False,
        },
        "source": {
            **common,
            "id": names.source,
            "modelId": names.model,
            "setName": names.source_set,
            "hasDashboards": True,
            "inferenceEnabled": False,
            "saelensConfig": None,
            "saelensRelease": None,
            "saelensSaeId": None,
            "hfRepoId": None,
            "hfFolderId": None,
            "defaultOfModelId": None,
            "hasUmap": False,
            "hasUmapLogSparsity": False,
            "hasUmapClusters": False,
            "num_prompts": sizes["n_prompts_total"],
            "num_tokens_in_prompt": sizes["n_tokens_in_prompt"],
            "dataset": dataset,
            "notes": notes,
        },
    }


def feature_row(found: Exported, names: Names) -> dict[str, Any]:
    """A row of Neuronpedia's table of features."""
    places, values, shares = found.aligned
    has_vector = len(found.vector) > 0
    return {
        "modelId": names.model,
        "layer": names.source,
        "index": str(found.feature),
        "sourceSetName": names.source_set,
        "creatorId": names.creator,
        "createdAt": names.created,
        "maxActApprox": one(found.high, None),
        "hasVector": has_vector,
        "vector": floats(found.vector, None),
        "vectorLabel": None,
        "vectorDefaultSteerStrength": one(found.high, None) if has_vector else STEER_STRENGTH,
        "hookName": names.hook,
        "topkCosSimIndices": [],
        "topkCosSimValues": [],
        "neuron_alignment_indices": places,
        "neuron_alignment_values": floats(values, DECIMALS),
        "neuron_alignment_l1": floats(shares, DECIMALS),
        "correlated_neurons_indices": [],
        "correlated_neurons_pearson": [],
        "correlated_neurons_l1": [],
        "correlated_features_indices": [],
        "correlated_features_pearson": [],
        "correlated_features_l1": [],
        **tables(found, None),
        "decoder_weights_dist": [],
    }


def activation_rows(found: Exported, names: Names) -> Iterator[dict[str, Any]]:
    """Rows of the table of activations."""
    for example, values, low, high in printed(found.examples, None):
        yield _activation(found, example, values, low, high, names)


def _activation(
    found: Exported, example: Shown, values: list[float], low: float, high: float, names: Names
) -> dict[str, Any]:
    strongest = int(np.argmax(example.values))
    return {
        "id": names.key("activation", found.feature, example.group, example.rank),
        "modelId": names.model,
        "layer": names.source,
        "index": str(found.feature),
        "creatorId": names.creator,
        "createdAt": names.created,
        "tokens": example.tokens,
        "values": values,
        "maxValue": values[strongest],
        "maxValueTokenIndex": strongest,
        "minValue": min(values),
        "dataSource": example.source or None,
        "dataIndex": str(example.row),
        "dfaValues": [],
        "dfaTargetIndex": None,
        "dfaMaxValue": None,
        "lossValues": [],
        "logitContributions": None,
        "binMin": low,
        "binMax": high,
        "binContains": example.share,
        "qualifyingTokenIndex": example.peak,
        "zIndices": None,
        "zValues": [],
    }


def explanation_row(
    feature: int, label: str, names: Names, type_name: str | None, model: str | None, remark: str | None
) -> dict[str, Any]:
    """A row of the table of explanations."""
    return {
        "id": names.key("explanation", feature, names.author, label),
        "modelId": names.model,
        "layer": names.source,
        "index": str(feature),
        "authorId": names.author,
        "triggeredByUserId": None,
        "description": label,
        "embedding": None,
        "typeName": type_name,
        "explanationModelName": model,
        "notes": remark or None,
        "scoreV1": 0.0,
        "scoreV2": None,
        "umap_x": 0.0,
        "umap_y": 0.0,
        "umap_cluster": 0,
        "umap_log_feature_sparsity": 0.0,
        "createdAt": names.created,
        "updatedAt": names.created,
    }
