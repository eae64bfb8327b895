"""Lines on logarithmic axes as SVG, in colours that can be read on white and on black."""

import math
from pathlib import Path

WIDTH, HEIGHT = 640, 300
COLOURS = ("#3b7fc4", "#c2661e", "#2b9a62", "#a05bc4", "#c2497d", "#8a7f1f")
DASHES = ("none", "7 3", "2 3", "9 3 2 3", "4 2", "1 2")


def draw(path: Path, x_name: str, xs: list[int], panels: dict[str, dict[str, list[float]]]) -> None:
    """Panels one below the other, both axes logarithmic; grey that can be read on white and on black."""
    parts = [panel(name, x_name, xs, lines, n * HEIGHT) for n, (name, lines) in enumerate(panels.items())]
    size = f'width="{WIDTH}" height="{HEIGHT * len(parts)}" viewBox="0 0 {WIDTH} {HEIGHT * len(parts)}"'
    look = 'font-family="system-ui, sans-serif" font-size="12" fill="#7a7a7a"'
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {look} role="img">\n{chr(10).join(parts)}\n</svg>\n',
        encoding="utf-8",
    )


def panel(title: str, x_name: str, xs: list[int], lines: dict[str, list[float]], top: int) -> str:
    """One panel: ticks at powers of ten and at the points, a line and its name for each row of figures."""
    values = [v for line in lines.values() for v in line if v > 0]
    low, high = 10 ** math.floor(math.log10(min(values))), 10 ** math.ceil(math.log10(max(values)))
    left, right, upper, lower = 64, WIDTH - 150, top + 34, top + HEIGHT - 46

    def x_of(x: float) -> float:
        return left + (right - left) * math.log(x / xs[0]) / math.log(xs[-1] / xs[0])

    def y_of(y: float) -> float:
        return lower - (lower - upper) * math.log(max(y, low) / low) / math.log(high / low)

    out = [f'<text x="{left}" y="{top + 18}" font-weight="600">{title}</text>']
    y = low
    while y <= high * 1.001:
        out.append(f'<path d="M{left} {y_of(y):.1f}H{right}" stroke="#7a7a7a" stroke-opacity=".35"/>')
        out.append(f'<text x="{left - 8}" y="{y_of(y) + 4:.1f}" text-anchor="end">{y:,.10g}</text>')
        y *= 10
    for x in xs:
        out.append(f'<path d="M{x_of(x):.1f} {lower}v5" stroke="#7a7a7a"/>')
        out.append(f'<text x="{x_of(x):.1f}" y="{lower + 19}" text-anchor="middle">{x:,}</text>')
    out.append(f'<text x="{(left + right) / 2}" y="{lower + 37}" text-anchor="middle">{x_name}</text>')
    free = [y_of(high) - 99.0]
    for number, (name, line) in sorted(enumerate(lines.items()), key=lambda item: -item[1][1][-1]):
        colour, dash = COLOURS[number], DASHES[number]
        spots = [(x_of(x), y_of(y)) for x, y in zip(xs, line, strict=True)]
        track = " ".join(f"{a:.1f},{b:.1f}" for a, b in spots)
        style = f'fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"'
        out.append(f'<polyline points="{track}" {style}/>')
        out += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in spots]
        free.append(max(spots[-1][1], free[-1] + 15))
        at = f'x="{right + 10}" y="{free[-1] + 4:.1f}" fill="{colour}"'
        out.append(f"<text {at}>{name}</text>")
    return "\n".join(out)
