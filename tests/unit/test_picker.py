"""The picker over the line: searching, details, loading with progress from a stand-in for the hub, stopping."""

import ast
import hashlib
import http.server
import json
import os
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

import saescope
import tiny
from saescope import live
from saescope.errors import CancelledError, InputError, ModelSourceError, SaeSourceError, UnknownNameError
from saescope.panels.picker import Picker, pick
from saescope.rpc import codec
from saescope.rpc.calls import Call
from saescope.rpc.messages.frames import RequestFrame
from saescope.rpc.methods import find_method
from saescope.scope.picking import call_of, load_picked
from saescope.sources.registry import listing
from saescope.sources.registry.fetching import Fetched, fetch_sae


def ask(method, hear=None, **params):
    known = find_method(method)
    frames = []

    def send(frame, _buffers):
        frames.append(frame)
        if hear is not None:
            hear(frame["data"])

    call = Call(RequestFrame(rid="1", method=method), send)
    return known.handler(call, codec.decode(known.params, params)), [f["data"] for f in frames]


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A working directory with the tiny model and SAE in it; nothing else is looked through."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(listing, "_seen", {})
    tiny.save(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_search_gives_rows_counts_and_facets(mine):
    found, _ = ask("registry.search", search="gemma 2 2b res 16k", filter={"layer": [12]}, count=5, refresh=True)
    assert found.rows[0].spec == "gemma-scope-2b-pt-res-canonical/layer_12/width_16k/canonical"
    assert (found.n_all, len(found.rows)) == (13_858, 5)
    assert (
        found.n_match
        == listing.find(listing.everything(), "gemma 2 2b res 16k", listing.Filters(layer=12)).table.height
    )
    facets = {f.name: {v.value: v.n for v in f.values} for f in found.facets}
    without_layer = listing.find(listing.everything(), "gemma 2 2b res 16k").table
    assert sum(facets["layer"].values()) == without_layer.height
    assert facets["layer"]["12"] == found.n_match
    assert sum(facets["width"].values()) == found.n_match


def test_pages_of_a_search_join_to_the_whole(mine):
    first, _ = ask("registry.search", search="llama", count=100)
    second, _ = ask("registry.search", search="llama", offset=100, count=100)
    whole = listing.find(listing.everything(max_age_s=60), "llama").table
    specs = [f"{r}/{i}" for r, i in whole.select("release", "sae_id").rows()]
    assert [row.spec for row in (*first.rows, *second.rows)] == specs[:200]


@pytest.mark.parametrize("params", [{"count": 0}, {"count": 501}, {"offset": -1}])
def test_too_many_rows_are_refused(mine, params):
    with pytest.raises(InputError, match="at most 500"):
        ask("registry.search", **params)


def test_a_filter_on_what_nothing_has_is_refused(mine):
    with pytest.raises(UnknownNameError, match="no SAE of the registry has the model"):
        ask("registry.search", filter={"model": ["no-such"]})


def test_details_tell_sizes_notes_and_the_call(mine):
    told, _ = ask("registry.describe", spec="gemma-scope-9b-it-res/layer_20/width_131k/average_l0_13")
    assert told.row.model == "google/gemma-2-9b-it"
    assert told.sae_bytes == 4 * (2 * 3584 * 131_072 + 2 * 131_072 + 3584)
    assert told.notes[0].startswith("The registry names google/gemma-2-9b;")
    assert told.code == (
        'scope = saescope.load("google/gemma-2-9b-it", sae="gemma-scope-9b-it-res/layer_20/width_131k/average_l0_13")'
    )
    assert not told.has_model
    with pytest.raises(UnknownNameError):
        ask("registry.describe", spec="no/such")


def test_the_code_of_a_hostile_name_is_one_string():
    spec, model = 'a"); import os\n#\\', "m'x\u202e"
    call = ast.parse(call_of(spec, model), mode="eval").body
    assert [ast.literal_eval(a) for a in (*call.args, *(k.value for k in call.keywords))] == [model, spec]


def test_an_own_sae_is_loaded_and_held_for_its_panel(mine):
    panel = pick("tiny own")
    assert panel.frame().height == 1
    with pytest.raises(InputError, match="no SAE was loaded"):
        _ = panel.picked
    done, events = ask("registry.load", spec=panel.frame()["path"][0], model=str(mine / "tiny-model"), panel=panel.id)
    assert [e["stage"] for e in events] == ["Loading model and SAE"]
    assert panel.picked.id == done.scope == live.get(done.scope).id
    assert saescope.picked() is panel.picked
    assert panel.picked.n_features == tiny.sae().cfg.d_sae
    panel.close()


def test_offline_says_so_and_what_to_do(mine):
    with pytest.raises(SaeSourceError, match="HF_HUB_OFFLINE") as raised:
        ask("registry.load", spec="gpt2-small-res-jb/blocks.8.hook_resid_pre")
    assert "hf download jbloom/GPT2-Small-SAEs-Reformatted" in raised.value.hint
    with pytest.raises(ModelSourceError, match="HF_HUB_OFFLINE"):
        ask("registry.load", spec=str(mine / "tiny-sae"), model="no-one/no-model")
    told, _ = ask("registry.describe", spec="gpt2-small-res-jb/blocks.8.hook_resid_pre")
    assert told.is_offline


def test_a_stop_before_loading_loads_nothing(mine):
    def check():
        raise CancelledError("stopped.")

    with pytest.raises(CancelledError):
        load_picked(str(mine / "tiny-sae"), str(mine / "tiny-model"), tell=lambda _: None, check=check)


def test_a_panel_without_a_scope_keeps_its_state_and_shows_a_table(mine):
    panel = saescope.pick("gpt2 res jb layer 8")
    ask("panel.save", scope="", panel=panel.id, state={"search": "llama scope layer 3"})
    loaded, _ = ask("panel.load", scope="", panel=panel.id)
    assert loaded.state == panel.state == {"search": "llama scope layer 3"}
    assert set(panel.frame()["layer"]) == {3}
    data, _ = panel._repr_mimebundle_()
    assert "llama_scope_lxr_8x" in data["text/html"]
    assert "<script" not in data["text/html"]
    panel.close()


def test_a_hostile_own_name_is_text_in_the_table(mine):
    (mine / "tiny-sae").rename(mine / "<img src=x onerror=alert(1)>")
    panel = Picker(search="own")
    assert "<img" not in panel.html()
    panel.close()


# --- a stand-in for the hub: it speaks what hf_hub_download asks for, on this machine

FILES = {"config.json": b"{}", "weights.npz": bytes(range(256)) * 4096}


class Hub(http.server.BaseHTTPRequestHandler):
    """Two files of one repository, the larger given slowly."""

    def log_message(self, *_):
        pass

    def _head(self, *, is_body):
        name = self.path.rpartition("/")[2]
        if not self.path.startswith("/google/gemma-scope-2b-pt-res/resolve/") or name != "params.npz":
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        content = FILES["weights.npz"]
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0] or 0)
        self.send_response(206 if start else 200)
        self.send_header("ETag", hashlib.sha256(content).hexdigest())
        self.send_header("X-Repo-Commit", "a" * 40)
        self.send_header("Content-Length", str(len(content) - start))
        self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if is_body:
            for at in range(start, len(content), 1 << 16):
                try:
                    self.wfile.write(content[at : min(at + (1 << 16), len(content))])
                except OSError:
                    return
                time.sleep(0.02)

    def do_HEAD(self):
        self._head(is_body=False)

    def do_GET(self):
        self._head(is_body=True)


@pytest.fixture
def hub():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


FETCH = """
import json, sys, time
from saescope.errors import CancelledError
from saescope.sources.registry import fetching
from huggingface_hub import constants
constants.DOWNLOAD_CHUNK_SIZE = 1 << 16
row = {"repo": "google/gemma-scope-2b-pt-res", "path": "layer_12/width_16k/average_l0_82", "loader": "gemma_2"}
stop_at = int(sys.argv[1])
told = []
def check():
    if stop_at and told and told[-1].done >= stop_at:
        raise CancelledError("stopped.")
try:
    fetching.fetch_sae(row, told.append, check)
    end = "done"
except CancelledError:
    end = "stopped"
print(json.dumps({"end": end, "told": [[t.done, t.total, t.seconds_left] for t in told]}))
"""


def fetched(hub, cache, stop_at, child_env):
    env = child_env | {
        "HF_ENDPOINT": f"http://127.0.0.1:{hub.server_port}",
        "HF_HUB_CACHE": str(cache),
        "HF_HUB_OFFLINE": "0",
    }
    env |= {
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "NO_PROXY": "127.0.0.1",
        "HF_HOME": str(cache / "home"),
    }
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FETCH), str(stop_at)],
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    return json.loads(run.stdout.splitlines()[-1])


def test_a_download_tells_how_far_it_is_and_a_stop_leaves_nothing_behind(hub, tmp_path, child_env):
    size = len(FILES["weights.npz"])
    stopped = fetched(hub, tmp_path, 300_000, child_env)
    assert stopped["end"] == "stopped"
    assert 300_000 <= stopped["told"][-1][0] < size
    assert not list(tmp_path.glob("models--*/snapshots/*/**/params.npz"))
    assert not list(tmp_path.rglob("*.incomplete"))
    done = fetched(hub, tmp_path, 0, child_env)
    assert done["end"] == "done"
    assert [n for n, _, _ in done["told"]] == sorted(n for n, _, _ in done["told"])
    assert done["told"][-1][:2] == [size, size]
    file = next(iter(tmp_path.glob("models--*/snapshots/*/**/params.npz")))
    assert file.read_bytes() == FILES["weights.npz"]


def test_what_is_cached_is_not_asked_for_again(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    file = tmp_path / "models--x--y/snapshots/abc/layer_1/params.npz"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"x")
    told: list[Fetched] = []
    fetch_sae({"repo": "x/y", "path": "layer_1", "loader": "gemma_2"}, told.append, lambda: None)
    assert told == []


def test_nothing_here_may_reach_a_network():
    assert os.environ["HF_HUB_OFFLINE"] == "1"
    assert Path.cwd().exists()
