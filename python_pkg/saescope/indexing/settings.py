"""How an index is to be built: asked of the caller, or read from the SAE's metadata."""

from dataclasses import dataclass, field
from typing import Any

from saescope.errors import InputError, SourceError
from saescope.index.postings import SHARD_ROWS
from saescope.index.rule import Rule
from saescope.sources.model import LoadedModel
from saescope.sources.sae import LoadedSae

DEFAULT_CONTEXT = 128


@dataclass(frozen=True)
class Settings:
    """How an index is to be built.

    Parameters
    ----------
    context_size
        Most tokens in a context.
    bos
        Token at the head of each context, if any.
    max_tokens
        Stop after so many.
    is_packed
        Whether documents are laid end to end, or each begins a context of its own.
    rule
        Which tokens count.
    has_postings
        Whether to keep every activation for later queries.
    has_lens
        Whether to read all features through the unembedding.
    has_recovery
        Whether to measure the loss that the reconstruction keeps.
    """

    context_size: int
    bos: int | None
    max_tokens: int | None = None
    is_packed: bool = True
    rule: Rule = field(default_factory=Rule)
    has_postings: bool = True
    has_lens: bool = True
    has_recovery: bool = True

    def told(self, tokenizer: Any) -> str:
        """In one line, for a person to read before the run."""
        bos = f"beginning with {tokenizer.convert_ids_to_tokens(self.bos)}" if self.bos is not None else "without BOS"
        packing = "documents packed end to end" if self.is_packed else "documents kept apart"
        limit = f" · at most {self.max_tokens:,} tokens" if self.max_tokens else ""
        return f"contexts of {self.context_size} tokens, {bos} · {packing} · not counted: {self.rule.told()}{limit}"


def choose_settings(
    model: LoadedModel,
    sae: LoadedSae,
    *,
    context_size: int | None = None,
    max_tokens: int | None = None,
    is_packed: bool = True,
    rule: Rule | None = None,
    has_postings: bool = True,
    has_lens: bool = True,
    has_recovery: bool = True,
) -> Settings:
    """Settings by the SAE's metadata, where the caller leaves them open.

    Raises
    ------
    InputError
        The model cannot take contexts of this length.
    SourceError
        The SAE wants BOS and the tokenizer has none.
    """
    size = context_size if context_size is not None else sae.context_size or DEFAULT_CONTEXT
    limit = min(
        getattr(model.model.config.get_text_config(), "max_position_embeddings", None) or SHARD_ROWS, SHARD_ROWS
    )
    if isinstance(size, bool) or not isinstance(size, int) or not 2 <= size <= limit:
        raise InputError(
            f"a context of {size!r} tokens does not fit {model.name}, which takes 2 to {limit}.",
            hint="Set context_size.",
        )
    bos = None
    if sae.has_bos:
        tokenizer = model.tokenizer
        bos = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
        if bos is None:
            raise SourceError(
                f"the SAE {sae.name} was trained with BOS, and the tokenizer of {model.name} has neither BOS nor EOS.",
                hint="Set tokenizer.bos_token, or sae.cfg.metadata.prepend_bos = False if it was trained without.",
            )
    if rule is None:
        rule = Rule(n_skipped=max(1, sae.first_position))
    return Settings(size, bos, max_tokens, is_packed, rule, has_postings, has_lens, has_recovery)
