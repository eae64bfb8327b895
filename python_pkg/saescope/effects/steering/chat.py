"""A conversation as the model was trained to read it: by its tokenizer's chat template."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jinja2 import TemplateError
from numpy.typing import NDArray

from saescope.errors import InputError


def has_template(tokenizer: Any) -> bool:
    """Whether the tokenizer knows how a conversation is written."""
    return bool(getattr(tokenizer, "chat_template", None))


def chat_tokens(tokenizer: Any, messages: Any) -> NDArray[np.int64]:
    """Token ids ``[seq]`` of a conversation, up to where the assistant's answer begins.

    Parameters
    ----------
    messages
        Mappings with ``role`` (such as ``"system"``, ``"user"``, ``"assistant"``) and ``content``.

    Raises
    ------
    InputError
        The tokenizer has no template, the messages are none, or the template refuses them.
    """
    if not has_template(tokenizer):
        raise InputError(
            "the model's tokenizer has no chat template: it was not trained on conversations.",
            hint="Give the prompt as plain text, or set tokenizer.chat_template.",
        )
    checked = [_message(m) for m in messages] if isinstance(messages, Sequence) else []
    if not checked:
        raise InputError(f"a conversation is a list of messages, and {messages!r} came.")
    try:
        ids = tokenizer.apply_chat_template(checked, add_generation_prompt=True, tokenize=True, return_dict=False)
    except (ValueError, TypeError, LookupError, AttributeError, ImportError, TemplateError) as err:
        raise InputError(f"the chat template refuses this conversation: {err}") from err
    return np.asarray(ids, dtype=np.int64)


def _message(message: Any) -> dict[str, str]:
    is_right = isinstance(message, Mapping) and isinstance(message.get("role"), str)
    if not is_right or not isinstance(message.get("content"), str):
        raise InputError(f'a message is {{"role": …, "content": …}}, both text, and {message!r} came.')
    return {"role": message["role"], "content": message["content"]}
