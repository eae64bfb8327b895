"""The interpreter's switch interval is low while pages ask, and then what it was."""

import sys
import time

import pytest

from saescope.rpc.switching import INTERVAL_S, Switching


@pytest.fixture(autouse=True)
def interval():
    """Python's own, and back again."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.005)
    yield
    sys.setswitchinterval(before)


def wait_for(expected):
    deadline = time.monotonic() + 30
    while sys.getswitchinterval() != pytest.approx(expected) and time.monotonic() < deadline:
        time.sleep(0.005)
    return sys.getswitchinterval() == pytest.approx(expected)


def test_it_is_low_after_a_frame_and_then_what_it_was():
    switching = Switching(rest_s=0.02)
    for _ in range(2):
        switching.hear()
        assert wait_for(0.005)


def test_it_stays_low_while_frames_come():
    switching = Switching(rest_s=60)
    switching.hear()
    switching.hear()
    assert sys.getswitchinterval() == pytest.approx(INTERVAL_S)
    switching._rest()
    assert sys.getswitchinterval() == pytest.approx(INTERVAL_S)


def test_what_a_person_set_stays():
    sys.setswitchinterval(0.0002)
    Switching(rest_s=0.01).hear()
    assert sys.getswitchinterval() == pytest.approx(0.0002)
    sys.setswitchinterval(0.005)
    switching = Switching(rest_s=0.0)
    switching.hear()
    sys.setswitchinterval(0.1)
    switching._rest()
    assert sys.getswitchinterval() == pytest.approx(0.1)
