import json
import subprocess
import sys
from pathlib import Path

import pytest

from contract import golden
from saescope.rpc.codec import decode, encode
from saescope.rpc.handlers import HANDLERS
from saescope.rpc.messages import METHODS

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
    assert set(HANDLERS) == set(METHODS)
    assert all(name.count(".") == 1 for name in METHODS)
