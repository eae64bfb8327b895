"""A real kernel: the announcement, and requests over the kernel comm."""

import queue
import time
import uuid

import pytest
from jupyter_client.manager import start_new_kernel


class Kernel:
    def __init__(self, env):
        self.manager, self.client = start_new_kernel(kernel_name="python3", env=env)

    def run(self, code):
        self.client.execute_interactive(code, timeout=120, output_hook=self._note, store_history=False)
        return self.seen

    def _note(self, message):
        self.seen.append(message)

    def send(self, kind, **content):
        session = self.client.session
        self.client.shell_channel.send(session.msg(kind, content))

    def frames(self, comm_id, until, timeout_s=60):
        """Frames on a comm until one satisfies ``until``."""
        found, end = [], time.monotonic() + timeout_s
        while time.monotonic() < end:
            try:
                message = self.client.get_iopub_msg(timeout=1)
            except queue.Empty:
                continue
            if message["msg_type"] == "comm_msg" and message["content"]["comm_id"] == comm_id:
                found.append(message)
                if until(message["content"]["data"]):
                    return found
        raise TimeoutError([m["content"]["data"].get("t") for m in found])


@pytest.fixture(scope="module")
def kernel(child_env):
    made = Kernel(child_env)
    made.seen = []
    yield made
    made.client.stop_channels()
    made.manager.shutdown_kernel(now=True)


def request(method, **params):
    return {"t": "request", "rid": uuid.uuid4().hex, "method": method, "params": params}


def test_the_kernel_announces_and_answers_over_its_comm(kernel, opened):
    messages = kernel.run("import saescope")
    announced = [m for m in messages if m["msg_type"] == "comm_open"]
    assert [m["content"]["target_name"] for m in announced] == ["saescope-announce"]
    assert announced[0]["content"]["data"] == {"target": "saescope"}
    assert [m["content"] for m in messages if m["msg_type"] == "error"] == []

    kernel.seen = []
    kernel.run(f"scope = saescope.open_index({str(opened.index.path)!r}); scope.id")
    assert [m["content"] for m in kernel.seen if m["msg_type"] == "error"] == []
    comm = uuid.uuid4().hex
    kernel.send("comm_open", comm_id=comm, target_name="saescope", data={})
    kernel.send("comm_msg", comm_id=comm, data={"t": "hello", "protocol": 1})
    hello = kernel.frames(comm, lambda d: d["t"] == "hello")[-1]["content"]["data"]
    (scope,) = hello["scopes"]
    assert scope["n_features"] == 256

    asked = request("features.window", scope=scope["id"], offset=0, count=10)
    kernel.send("comm_msg", comm_id=comm, data=asked)
    answer = kernel.frames(comm, lambda d: d.get("rid") == asked["rid"])[-1]
    assert answer["content"]["data"]["data"]["n_match"] == 256
    assert len(answer["buffers"]) == 1

    asked = request("examples.list", scope=scope["id"], feature=5, k=12)
    kernel.send("comm_msg", comm_id=comm, data=asked)
    frames = kernel.frames(comm, lambda d: d.get("rid") == asked["rid"] and d["t"] != "event")
    kinds = [f["content"]["data"]["t"] for f in frames]
    assert (kinds[-1], kinds.count("event")) == ("result", 1)

    asked = request("no.such")
    kernel.send("comm_msg", comm_id=comm, data=asked)
    assert (
        kernel.frames(comm, lambda d: d.get("rid") == asked["rid"])[-1]["content"]["data"]["error"]["code"]
        == "unknown_name"
    )

    kernel.client.execute(f"other = saescope.open_index({str(opened.index.path)!r})")
    told = kernel.frames(comm, lambda d: d["t"] == "notify")[-1]["content"]["data"]
    assert (told["topic"], len(told["data"]["scopes"])) == ("scopes", 2)


@pytest.mark.parametrize(
    ("typed", "wanted", "fragment"),
    [
        (
            's.load(sae="gpt2-small-res-jb/blocks.1',
            "gpt2-small-res-jb/blocks.10.hook_resid_pre",
            "gpt2-small-res-jb/blocks.1",
        ),
        ('x = 1\ns.load("google/gemma-2-2b", sae="gemma-scope-2b-pt-res-can', "gemma-scope-2b-pt-res-canonical/", None),
        ("saescope.load((m, t), dtype='float32',\n    sae='gpt2-small-r", "gpt2-small-res-jb/", "gpt2-small-r"),
        ('load("EleutherAI/pyth', "EleutherAI/pythia-70m-deduped", "EleutherAI/pyth"),
        ('load(model="gpt2", sae="', "gpt2-small-res-jb/", ""),
    ],
)
def test_names_in_a_call_of_load_are_completed(kernel, typed, wanted, fragment):
    kernel.run("import saescope, saescope as s\nfrom saescope import load")
    reply = kernel.client.complete(typed, reply=True, timeout=60)["content"]
    assert wanted in reply["matches"]
    start, end = reply["cursor_start"], reply["cursor_end"]
    assert end == len(typed)
    assert fragment is None or typed[start:end] == fragment
    if 'load("google' in typed:
        assert not [name for name in reply["matches"] if name.startswith("gpt2")]


@pytest.mark.parametrize(
    "typed", ['other.load(sae="gpt2-small-r', 'print("gpt2-small-r', 'saescope.load("a", sae="gpt2") + f("gpt2-small-r']
)
def test_names_elsewhere_are_left_alone(kernel, typed):
    kernel.run("import saescope, json as other")
    reply = kernel.client.complete(typed, reply=True, timeout=60)["content"]
    assert not [name for name in reply["matches"] if name.startswith("gpt2-small-res")]
