import inspect
import json
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from saescope.errors import MissingExtraError, PluginError, UnknownNameError
from saescope.query.neighbors import Space
from saescope.registries import HOMES, registries

ENTRIES = [(kind, name) for kind, registry in registries().items() for name in registry.names()]


def check_ablations(made, opened):
    from saescope.effects.kinds import Subject, about

    activations = np.linspace(0, 3, 5).astype(np.float32)
    subject = Subject(101, np.arange(2, 7), activations, 12, opened.index, other=np.ones(12, dtype=np.float32))
    found = made(subject, **{option.name: option.default for option in about(made).options})
    assert (found.shape, found.dtype) == ((5,), np.float32)
    assert np.isfinite(found).all()


def check_attributions(made, _):
    from saescope.effects.attribution.about import about_of

    said = about_of(made)
    assert all((said.title, said.meaning.endswith("."), said.baseline))
    assert list(inspect.signature(made).parameters) == ["question"]


def check_exporters(made, _):
    first = list(inspect.signature(made).parameters.values())[:4]
    assert [p.name for p in first] == ["scope", "target", "features", "progress"]
    assert all(p.kind is p.KEYWORD_ONLY for p in list(inspect.signature(made).parameters.values())[4:])
    assert isinstance(made.is_folder, bool)


def check_findings(made, _):
    parameters = inspect.signature(made).parameters
    assert list(parameters)[:4] == ["scope", "target", "features", "progress"]
    assert {"folder", "include", "title", "question", "conclusion"} <= set(parameters)


def check_importers(made, _):
    first = list(inspect.signature(made).parameters.values())[:3]
    assert [p.name for p in first] == ["source", "workspace", "progress"]
    assert all(p.kind is p.KEYWORD_ONLY for p in list(inspect.signature(made).parameters.values())[3:])
    assert {"d_sae", "model", "sae", "site"} <= set(inspect.signature(made).parameters)


def check_labelers(made, opened):
    from saescope.query.labelers import Evidence, Label, meaning_of

    assert list(inspect.signature(made).parameters) == ["features", "check"]
    assert meaning_of(made).endswith(".")
    found = list(made([Evidence(f, opened.index) for f in range(8)], lambda: None))
    assert len(found) == 8
    assert all(label is None or isinstance(label, Label) for label in found)
    assert list(made([], lambda: None)) == []


def check_maps(made, opened):
    from saescope.progress import Silent

    rows = opened.index.directions["decoder"]
    if made.__name__ == "umap" and find_spec("umap") is None:
        with pytest.raises(MissingExtraError, match=r'pip install "saescope\[map\]"'):
            made(rows, Silent())
        return
    places = made(rows, Silent())
    assert (places.shape, places.dtype) == ((256, 2), np.float32)
    assert np.isfinite(places).all()


def check_neighbors(made, opened):
    found = made(Space(opened.index.directions, opened.index), 2)
    assert (found.values.shape, found.values.dtype, int(found.values.argmax())) == ((256,), np.float32, 2)
    assert np.isfinite(found.values).all()
    if found.errors is not None:
        assert (found.errors.shape, found.errors.dtype) == ((256,), np.float32)
        assert (found.errors >= 0).all()


def check_panels(made, _):
    from saescope.panels.core import Panel

    assert issubclass(made, Panel)
    assert next(iter(inspect.signature(made).parameters)) == "scope"


def check_sources(made, _):
    source = made()
    assert source.can_load(object()) is False
    assert source.can_load(None) is False
    assert {"device", "dtype"} <= set(inspect.signature(source.load).parameters)


CHECKS = {
    "ablations": check_ablations,
    "attributions": check_attributions,
    "exporters": check_exporters,
    "findings": check_findings,
    "importers": check_importers,
    "labelers": check_labelers,
    "maps": check_maps,
    "neighbors": check_neighbors,
    "panels": check_panels,
    "sources": check_sources,
}


def test_every_kind_has_a_check():
    assert set(CHECKS) == set(HOMES) == set(registries())


@pytest.mark.parametrize(("kind", "name"), ENTRIES)
def test_an_entry_imports_and_has_the_shape_of_its_kind(kind, name, opened):
    CHECKS[kind](registries()[kind].get(name), opened)


@pytest.mark.parametrize("kind", HOMES)
def test_an_unknown_name_lists_those_there_are(kind):
    registry = registries()[kind]
    with pytest.raises(UnknownNameError) as caught:
        registry.get("colour")
    assert all(name in caught.value.message for name in registry.names())


@pytest.fixture
def plugged(tmp_path, monkeypatch):
    """Another package with a good metric, a broken one, one that would hide ours, and a broken source."""
    info = tmp_path / "otherpkg-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: otherpkg\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[saescope.neighbors]\ngood = otherpkg_good:metric\nbroken = otherpkg_broken:metric\ndecoder = otherpkg_good:metric\n"
        "[saescope.sources]\nbroken = otherpkg_broken:Source\n"
    )
    (tmp_path / "otherpkg_good.py").write_text(
        "import numpy as np\nfrom saescope.query.neighbors import Scores\n"
        "def metric(space, feature):\n    return Scores(-np.arange(256, dtype=np.float32))\n"
    )
    (tmp_path / "otherpkg_broken.py").write_text("import no_such_package_at_all\n")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("plugged")
def test_a_plug_in_is_found_and_used(opened):
    registry = registries()["neighbors"]
    assert ("good", "otherpkg") in [(e.name, e.package) for e in registry.entries()]
    assert opened.neighbors(0, k=3, metric="good")["feature"].to_list() == [1, 2, 3]


@pytest.mark.usefixtures("plugged")
def test_a_broken_plug_in_is_told_and_leaves_the_others_usable(opened, capsys):
    from saescope.cli.main import main

    with pytest.raises(PluginError, match=r"broken.*no_such_package_at_all"):
        opened.neighbors(0, metric="broken")
    assert len(opened.neighbors(0, k=3)) == 3
    assert main(["plugins", "--check"]) == 1
    shown = capsys.readouterr().out
    lines = [line for line in shown.splitlines() if "otherpkg 1.0" in line]
    assert [(line.split()[0], "FAILED" in line) for line in lines] == [
        ("broken", True), ("good", False), ("decoder", True), ("broken", True)
    ]  # fmt: skip
    assert "the name 'decoder' is taken" in lines[2]
    assert "no_such_package_at_all" in lines[0]
    assert "saescope.labelers" in shown
    assert main(["plugins"]) == 1
    assert capsys.readouterr().out.count("FAILED") == 3


@pytest.mark.usefixtures("plugged")
def test_a_broken_source_does_not_hinder_loading_from_the_others(tiny_folder):
    from saescope.errors import SaeSourceError
    from saescope.sources.sae import load_sae

    assert load_sae(tiny_folder / "tiny-sae").d_sae == 256
    with pytest.raises(SaeSourceError, match="no release"):
        load_sae("no-such-release/layer_1")


@pytest.mark.usefixtures("plugged")
def test_a_plug_in_never_hides_a_name_of_ours():
    from saescope.query.neighbors.cosine import decoder

    assert registries()["neighbors"].get("decoder") is decoder


def test_the_installed_version_is_that_of_package_json():
    try:
        installed = version("saescope")
    except PackageNotFoundError:
        pytest.skip("saescope is not installed here")
    package = json.loads((Path(__file__).parents[2] / "package.json").read_text())
    assert installed == package["version"]
