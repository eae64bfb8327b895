import pytest

from saescope.errors import ProtocolError
from saescope.rpc.codec import decode, encode
from saescope.rpc.messages.frames import ErrorFrame, HelloFrame, NotifyFrame, RequestFrame
from saescope.rpc.messages.page import ExamplesPart, FeatureParams, Histogram, TokenWeight
from saescope.rpc.messages.table import FeatureLocation, WindowParams


def test_a_message_with_messages_inside_survives_both_ways():
    frame = {"t": "error", "rid": "1", "error": {"code": "c", "message": "m", "hint": "h", "data": {"n": [1, None]}}}
    assert encode(decode(ErrorFrame, frame)) == frame


def test_defaults_may_be_left_out():
    assert decode(RequestFrame, {"rid": "1", "method": "m"}) == RequestFrame(rid="1", method="m")
    assert decode(HelloFrame, {}).scopes == []


def test_whole_numbers_are_floats_where_floats_are_wanted():
    found = decode(Histogram, {"high": 1, "counts": [1]})
    assert isinstance(found.high, float)


@pytest.mark.parametrize("row", [None, 5])
def test_optional_fields_take_none(row):
    assert decode(FeatureLocation, {"row": row}).row == row


@pytest.mark.parametrize(
    ("cls", "data", "said"),
    [
        (RequestFrame, [], "an object, and list came"),
        (RequestFrame, None, "an object, and NoneType came"),
        (RequestFrame, {"rid": "1"}, "wants method"),
        (RequestFrame, {"rid": "1", "method": "m", "x": 1, "y": 2}, "has no x, y"),
        (RequestFrame, {"rid": 1, "method": "m"}, r"RequestFrame\.rid is a str, and 1 came"),
        (RequestFrame, {"rid": "1", "method": "m", "slot": 5}, "slot"),
        (RequestFrame, {"rid": "1", "method": "m", "params": []}, "params"),
        (RequestFrame, {"rid": "1", "method": "m", "t": "result"}, r"RequestFrame\.t"),
        (NotifyFrame, {"topic": "x", "data": {}}, r"topic is one of 'scopes', .*, and 'x' came"),
        (FeatureParams, {"scope": "s", "feature": True}, r"feature is a int, and True came"),
        (FeatureParams, {"scope": "s", "feature": 1.0}, "feature"),
        (FeatureParams, {"scope": "s", "feature": None}, "feature"),
        (WindowParams, {"scope": "s", "offset": 0, "count": 1, "descending": 1}, "descending"),
        (Histogram, {"high": "1", "counts": []}, "high"),
        (Histogram, {"high": 1.0, "counts": [1, "2"]}, "counts"),
        (Histogram, {"high": 1.0, "counts": {"a": 1}}, "counts"),
        (TokenWeight, {"token": 1, "text": "a", "raw": "a", "weight": True}, "weight"),
        (ExamplesPart, {"examples": [{}]}, "Example wants"),
        (ErrorFrame, {"rid": "1", "error": "no"}, "ErrorInfo is an object"),
    ],
)
def test_a_wrong_field_is_named(cls, data, said):
    with pytest.raises(ProtocolError, match=said):
        decode(cls, data)
