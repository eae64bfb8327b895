"""Numbers as they are read: three significant digits, thin spaces, a proper minus."""

import math
from typing import Any

THIN = "\u2009"


def number(value: Any, n_digits: int = 3) -> str:
    """A number; nothing for what is not known."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}".replace("-", "−")
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    size = abs(value)
    if size and not 1e-4 <= size < 1e6:
        return f"{value:.{n_digits - 1}e}".replace("-", "−")
    n_decimals = max(0, n_digits - 1 - math.floor(math.log10(size))) if size else 0
    return f"{value:,.{n_decimals}f}".replace("-", "−")


def share(value: float | None) -> str:
    """A share in per cent, down to 0.001 %; then one in so many."""
    if value is None or math.isnan(value):
        return "–"
    if value and value < 1e-5:
        return f"1 in {round(1 / value):,}"
    return f"{number(100 * value)}{THIN}%"
