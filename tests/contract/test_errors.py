import inspect

import pytest

from saescope import errors
from saescope.errors import SaescopeError

CLASSES = [c for c in vars(errors).values() if inspect.isclass(c) and issubclass(c, SaescopeError)]


def test_every_code_is_one_class_s_own():
    codes = [c.code for c in CLASSES]
    assert sorted(set(codes)) == sorted(codes)
    assert not {"internal", "closed", "superseded"} & set(codes)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda c: c.__name__)
def test_an_error_is_told_with_its_hint_and_is_a_builtin_too(cls):
    err = cls("wanted a, got b.", hint="Give a.", n=3)
    assert str(err) == "wanted a, got b. Give a."
    assert (err.message, err.hint, err.data) == ("wanted a, got b.", "Give a.", {"n": 3})
    assert "code" in vars(cls)
    assert inspect.getdoc(cls)
    if cls is not SaescopeError:
        builtin = [b for b in cls.__mro__ if b.__module__ == "builtins" and b not in (Exception, BaseException, object)]
        assert builtin
    assert str(cls("only this.")) == "only this."
