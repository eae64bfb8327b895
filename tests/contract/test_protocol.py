import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from contract import golden
from saescope.rpc import methods
from saescope.rpc.codec import decode, encode
from saescope.rpc.messages import NOUNS, every_method

ROOT = Path(__file__).parents[2]
MESSAGES = json.loads(golden.FILE.read_text(encoding="utf-8"))["messages"]


def test_the_typescript_is_that_of_the_dataclasses(child_env):
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools/protocol.py"), "--check"],
        env=child_env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_golden_frames_are_those_of_the_dataclasses():
    assert golden.FILE.read_text(encoding="utf-8") == golden.generate(), "run `python tests/contract/golden.py`"


@pytest.mark.parametrize("name", MESSAGES)
def test_a_golden_frame_is_read_and_written_alike(name):
    frame = MESSAGES[name]
    assert encode(decode(golden.classes()[name], frame)) == frame


def test_every_method_has_a_handler_and_every_handler_a_method():
    modules = [import_module(f"saescope.rpc.handlers.{name}") for name in NOUNS]
    assert {name for module in modules for name in module.HANDLERS} == set(every_method())
    assert all(name.count(".") == 1 for name in every_method())


@pytest.mark.parametrize("name", every_method())
def test_a_method_is_found_by_its_noun(name):
    assert methods.find_method(name).params is every_method()[name][0]


def test_the_lanes_name_methods_that_there_are():
    modules = [import_module(f"saescope.rpc.handlers.{name}") for name in NOUNS]
    named = {m for module in modules for lane in (*dict(methods.LANES), "QUICK") for m in getattr(module, lane, ())}
    assert named <= set(every_method())
