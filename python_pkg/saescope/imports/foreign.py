"""What another tool's files say of one feature, before it is in our tables."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from saescope.errors import ForeignFileError
from saescope.imports.bars import Bars, bars_of
from saescope.imports.reading import Record
from saescope.index.choice import GROUPS, STORED

N_LENS = 10
TOP = 0
MOST_TOKENS = (1 << 16) - 1
ROUNDING = 6e-4
"""Half of the last place to which SAEDashboard rounds, and a little."""


class Weighed(NamedTuple):
    """A token's text, and logits per unit of activation."""

    text: str
    weight: float


@dataclass
class Example:
    """A text on which a feature fires.

    Parameters
    ----------
    values
        Activations, float32 ``[n_tokens]``.
    peak
        Place of the token that the example is about.
    middle
        Middle of the bin of activations from which it was drawn; ``None`` for one of the strongest.
    source
        Where the text is from.
    """

    tokens: list[str]
    values: NDArray[np.float32]
    peak: int
    middle: float | None = None
    source: str = ""

    @property
    def activation(self) -> float:
        """At the peak."""
        return float(self.values[self.peak])


@dataclass
class Feature:
    """One feature; ``None`` for what the source does not say.

    Parameters
    ----------
    density
        Share of the tokens on which it fires.
    high
        Its largest activation.
    bars
        How often it fires how strongly.
    promoted, suppressed
        At most ten tokens each.
    vector
        Its decoder row, float32 ``[d_in]``.
    where
        Its place in the source, for errors.
    n_silent, n_hidden
        Examples that were left out: on which it does not fire, and whose token is not shown.
    """

    number: int
    where: str
    density: float | None = None
    high: float | None = None
    bars: Bars | None = None
    promoted: list[Weighed] = field(default_factory=list)
    suppressed: list[Weighed] = field(default_factory=list)
    vector: NDArray[np.float32] | None = None
    examples: list[Example] = field(default_factory=list)
    n_silent: int = 0
    n_hidden: int = 0

    @property
    def highest(self) -> float:
        """Its largest magnitude, as it says itself or as its examples show."""
        return max([self.high or 0.0, *(float(np.abs(e.values).max(initial=0.0)) for e in self.examples)])


def read_figures(record: Record, number: int) -> Feature:
    """The figures that SAEDashboard and Neuronpedia call by the same names.

    Raises
    ------
    ForeignFileError
        Something is none of what it is called.
    """
    density = record.number("frac_nonzero")
    if density is not None and not 0 <= density <= 1:
        record.fail("a share from 0 to 1 as 'frac_nonzero'", density)
    try:
        bars = bars_of(record.numbers("freq_hist_data_bar_heights"), record.numbers("freq_hist_data_bar_values"))
    except ValueError as err:
        raise ForeignFileError(f"{record.where}: no histogram: {err}.") from err
    return Feature(
        number,
        record.where,
        density=density,
        bars=bars if bars is not None and bars.n_fires else None,
        promoted=_weighed(record, "pos"),
        suppressed=_weighed(record, "neg"),
        vector=vector if len(vector := record.numbers("vector").astype(np.float32)) else None,
    )


def _weighed(record: Record, side: str) -> list[Weighed]:
    texts, weights = record.texts(f"{side}_str"), record.numbers(f"{side}_values")
    if len(texts) != len(weights):
        record.fail(f"as many {side}_values as {side}_str", f"{len(weights)} and {len(texts)}")
    return [Weighed(text, weight) for text, weight in zip(texts, weights.tolist(), strict=True)][:N_LENS]


@dataclass(frozen=True)
class ExampleReader:
    """Reads the examples of a tool.

    Parameters
    ----------
    low, high, peak
        What the tool calls the bounds of the bin that an example is shown in (the lower one negative in the
        top group), and the token that it is about.
    n_whole
        Tokens of a whole text, where shorter ones are cut from it: SAEDashboard tells the token's place in the
        whole text, and cuts as many tokens before it as behind it. ``None`` where the place is always
        one in the tokens shown.
    """

    low: str
    high: str
    peak: str
    n_whole: int | None = None

    def add(self, feature: Feature, record: Record) -> None:
        """Take an example, unless the feature does not fire on it.

        Raises
        ------
        ForeignFileError
            It is no example.
        """
        tokens, values = record.texts("tokens"), record.numbers("values")
        if not tokens or len(tokens) != len(values):
            record.fail("tokens and as many values", f"{len(tokens)} and {len(values)}")
        if len(tokens) > MOST_TOKENS:
            record.fail(f"at most {MOST_TOKENS:,} tokens in an example", len(tokens))
        with np.errstate(over="ignore"):
            exact = values.astype(np.float32)
        if not np.isfinite(exact).all():
            record.fail("activations that fit 32 bits", float(np.abs(values).max()))
        low, high = record.number(self.low), record.number(self.high)
        bounds = None if low is None or high is None or low < 0 else (low, high)
        if low is not None and low < 0 and high is not None:
            feature.high = max(feature.high or 0.0, high)
        told = record.data.get(self.peak)
        if told == -1 and self.n_whole is not None:
            feature.n_hidden += 1  # SAEDashboard shows no first token
            return
        peak = self._place(values, bounds, told)
        if exact[peak] == 0:
            feature.n_silent += 1
            return
        middle = sum(bounds) / 2 if bounds else None
        feature.examples.append(Example(tokens, exact, peak, middle, record.text("dataSource", "")))

    def _place(self, values: NDArray[np.float64], bounds: tuple[float, float] | None, given: object) -> int:
        """The place of the token that an example is about: the one told where that can be, else the likeliest."""
        fits = values != 0
        if bounds is not None:
            sizes = np.abs(values)
            fits &= (sizes >= bounds[0] - ROUNDING) & (sizes <= bounds[1] + ROUNDING)
        is_whole = self.n_whole is None or len(values) >= self.n_whole
        told = given if is_whole else len(values) // 2
        if type(told) is int and 0 <= told < len(values) and fits[told]:
            return told
        return int(np.where(fits, np.abs(values), -1).argmax()) if fits.any() else int(np.abs(values).argmax())


def group_of(example: Example, highest: float) -> int:
    """The group of an example, a number in ``GROUPS``: the top, or the fifth of the range that its bin lies in."""
    if example.middle is None:
        return TOP
    n = STORED.n_intervals
    place = min(int(example.middle / highest * n), n - 1) if highest > 0 else 0
    return len(GROUPS) - 1 - place
