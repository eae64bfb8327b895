"""What features do to the model's output on a text."""

from collections.abc import Callable
from typing import Any

from saescope import live
from saescope.errors import InputError
from saescope.rpc.calls import Call
from saescope.rpc.handlers.forming import short
from saescope.rpc.messages.effects import NextParams, NextToken, NextTokens, TypedToken
from saescope.scope import Scope
from saescope.scope.prompting import Text


def given(text: str, tokens: list[int] | None) -> Text:
    """The text of a request: token ids where there are any, else the string.

    Raises
    ------
    InputError
        There is neither.
    """
    if tokens is not None:
        return tokens
    if not text:
        raise InputError("there is no text to measure on.", hint="Type one, or take an example.")
    return text


def _next(call: Call, params: NextParams) -> NextTokens:
    scope = live.get(params.scope)
    typed = params.typed or ""
    asked = [typed] if typed else []
    asked += [" " + typed] if typed and not typed.startswith(" ") else []
    found = scope.expect(given(params.text, params.tokens), params.k, asked, check=call.check)
    return NextTokens(
        likeliest=[next_token(scope, i, p) for i, p in zip(found.ids, found.probabilities, strict=True)],
        typed=[
            TypedToken(
                text=one.text, pieces=scope.texts_of(one.ids), first=next_token(scope, one.ids[0], one.probability)
            )
            for one in found.typed
        ],
    )


def next_token(scope: Scope, token: int, probability: float) -> NextToken:
    """A token with its probability."""
    (text,), (raw,) = scope.texts_of([token]), scope.raws_of([token])
    return NextToken(token=token, text=text, raw=raw, probability=short(probability))


HANDLERS: dict[str, Callable[[Call, Any], Any]] = {"effects.next": _next}
COMPUTED = {"effects.next"}
