"""Searching the table by words: ranked, with half words and misspelt ones.

1. Each row has words: those of its names, and what it is called otherwise (``resid``, ``16k``, ``layer:12``).
2. A word of the query stands for the words that equal it, else that begin with it, else that hold it,
   else that are spelt much like it; the first of these that finds any is taken.
3. A row is found when it has all words of the query; it ranks by how well they fit, then own SAEs and
   cached ones first, then those with labels, then by the list's order.
"""

import difflib
import re
from functools import lru_cache

import numpy as np
import polars as pl

EQUAL, BEGINS, HOLDS, LIKE = 4.0, 3.0, 2.0, 1.0
MIN_LIKE = 4
LIKENESS = 0.75
SPLIT = re.compile(r"(?:layer|l0):[0-9]+|[a-z0-9]+(?:\.[0-9]+[a-z]*)*")
PHRASES = (
    (re.compile(r"\blayers?[ _:-]*(\d+)\b"), r" layer:\1 "),
    (re.compile(r"\bblocks?[ .:-]*(\d+)\b"), r" layer:\1 "),
    (re.compile(r"\bwidth[ _:-]*(\d+[km]?)\b"), r" \1 "),
    (re.compile(r"\bgpt[ -]2\b"), " gpt2 "),
    (re.compile(r"\bl0[ _=:-]*(\d+)\b"), r" l0:\1 "),
)
SHORT_LAYER = re.compile(r"l([1-9]\d*)")
SITES = {
    "resid_pre": "res resid residual pre",
    "resid_mid": "res resid residual mid",
    "resid_post": "res resid residual post",
    "attn_out": "att attn attention out",
    "z": "att attn attention z heads",
    "mlp_out": "mlp out",
    "transcoder": "transcoder tc mlp",
    "embed": "embed embedding res",
}
SAID = {"jump": "jumprelu", "labelled": "labels", "labeled": "labels", "downloaded": "cached"}


def words_of(query: str) -> list[str]:
    """The words of a query, each once."""
    text = query.lower().replace("_", " ").replace("/", " ")
    for pattern, by in PHRASES:
        text = pattern.sub(by, text)
    found = SPLIT.findall(text)
    return list(dict.fromkeys(_said(word) for word in found))


def _said(word: str) -> str:
    if word.isdecimal() and int(word) >= 512:
        return short_width(int(word))
    return SAID.get(word, word)


def short_width(width: int) -> str:
    """A width as names have it: 16384 is ``16k``, 131072 is ``131k``, 1048576 is ``1m``."""
    if width >= 1 << 20 and width % (1 << 20) == 0:
        return f"{width >> 20}m"
    decimal = width // 1000
    return f"{decimal}k" if width >= 65_536 and width & (width - 1) == 0 else _kilo(width)


def _kilo(width: int) -> str:
    return f"{width >> 10}k" if width % 1024 == 0 else str(width)


class Words:
    """The words of a table's rows.

    Parameters
    ----------
    table
        With the columns of ``listed_table``.
    """

    def __init__(self, table: pl.DataFrame) -> None:
        self.n_rows = len(table)
        rows = table.select(row=pl.int_range(pl.len(), dtype=pl.Int64), text=_text(table)).with_columns(
            word=pl.col("text").str.extract_all(SPLIT.pattern)
        )
        grouped = rows.drop("text").explode("word").group_by("word").agg("row").drop_nulls("word")
        self._rows: dict[str, np.ndarray] = {
            word: found.to_numpy() for word, found in zip(grouped["word"], grouped["row"], strict=True)
        }
        self._found = lru_cache(256)(self._find)

    def search(self, query: str) -> tuple[np.ndarray, list[str]]:
        """How well each row fits, 0 where it does not, and the words of the query that nothing has.

        Returns
        -------
        tuple
            float32 ``[n_rows]``, and the words that no row has.
        """
        words = words_of(query)
        total = np.zeros(self.n_rows, dtype=np.float32)
        has_all = np.ones(self.n_rows, dtype=bool)
        for word in words:
            fit = self._found(word)
            total += fit
            has_all &= fit > 0
        total[~has_all] = 0
        missed = [word for word in words if not self._found(word).any()]
        return total if words else np.ones(self.n_rows, dtype=np.float32), missed

    def _find(self, word: str) -> np.ndarray:
        fit = np.zeros(self.n_rows, dtype=np.float32)
        short = SHORT_LAYER.fullmatch(word)
        equal = [w for w in (word, f"layer:{short[1]}" if short else "") if w in self._rows]
        for known in equal:
            fit[self._rows[known]] = EQUAL
        if equal or ":" in word:
            return fit
        for known, score in self._near(word):
            at = self._rows[known]
            fit[at] = np.maximum(fit[at], score)
        return fit

    def _near(self, word: str) -> list[tuple[str, float]]:
        begins = [w for w in self._rows if w.startswith(word)]
        if begins:
            return [(w, BEGINS) for w in begins]
        holds = [w for w in self._rows if word in w]
        if holds or len(word) < MIN_LIKE or word.isdecimal():
            return [(w, HOLDS) for w in holds]
        named = [w for w in self._rows if not w[0].isdigit() and ":" not in w]
        return [(w, LIKE) for w in difflib.get_close_matches(word, named, n=5, cutoff=LIKENESS)]


def _text(table: pl.DataFrame) -> pl.Expr:
    """Each row's words as one text."""
    widths = {w: f"{short_width(w)} {_kilo(w)}" for w in table["width"].drop_nulls().unique().to_list()}
    parts = [
        pl.col("release"),
        pl.col("sae_id"),
        pl.col("model"),
        pl.col("architecture"),
        pl.col("site").replace_strict(SITES, default=""),
        pl.col("width").replace_strict(widths, default="", return_dtype=pl.String),
        pl.format("layer:{}", "layer"),
        pl.format("l0:{}", pl.col("l0").round(0).cast(pl.Int64)),
        pl.when(pl.col("model").str.contains("(?i)-(?:it|instruct)$")).then(pl.lit("it instruct chat")),
        pl.when("has_labels").then(pl.lit("labels neuronpedia")),
        pl.when(pl.col("source") == "folder").then(pl.lit("own folder")),
    ]
    joined = pl.concat_str(parts, separator=" ", ignore_nulls=True)
    return joined.str.to_lowercase().str.replace_all(r"[_/]|\bgpt[ -]2\b", " ")
