"""A small drawing: boxes, dots, lines and words, written as SVG or as PNG.

Notebooks keep both: SVG where it is trusted, PNG where it is not. Both are without background, in grays and
hues that are legible on light and on dark ones.
"""

import itertools
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saescope.findings.glyphs import GLYPHS, HEIGHT, WIDTH
from saescope.findings.texts import in_attribute, in_html

INK, HUE, MARK = "#767676", "#009e73", "#d55e00"
SCALE = 2
FONT = "system-ui, -apple-system, 'Segoe UI', sans-serif"

Image = NDArray[np.float64]


@dataclass
class Canvas:
    """A drawing of so many CSS pixels; ``alt`` tells it in words."""

    width: int
    height: int
    alt: str
    marks: list[tuple[Any, ...]] = field(default_factory=list)

    def box(self, x: float, y: float, width: float, height: float, color: str = HUE, opacity: float = 1.0) -> None:
        """A filled box from its upper left corner."""
        self.marks.append(("box", x, y, width, height, color, opacity))

    def dots(self, places: NDArray[np.floating], radius: float, color: str = INK, opacity: float = 1.0) -> None:
        """Dots at places ``[n, 2]``."""
        self.marks.append(("dots", np.asarray(places, dtype=float), radius, color, opacity))

    def ring(self, x: float, y: float, radius: float, width: float = 2.0, color: str = MARK) -> None:
        """A circle."""
        self.marks.append(("ring", x, y, radius, width, color))

    def line(self, points: Sequence[tuple[float, float]], width: float = 1.0, color: str = INK) -> None:
        """A line from point to point."""
        self.marks.append(("line", list(points), width, color))

    def words(self, x: float, y: float, text: str, anchor: str = "start", color: str = INK) -> None:
        """A text on a base line; ``anchor`` is ``start``, ``middle`` or ``end``."""
        self.marks.append(("words", x, y, text, anchor, color))

    def svg(self, ink: str = INK) -> str:
        """The drawing as SVG; ``ink`` takes the place of gray."""
        body = "".join(_svg(mark, ink) for mark in self.marks)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height}" '
            f'viewBox="0 0 {self.width} {self.height}" role="img" aria-label="{in_attribute(self.alt)}">{body}</svg>'
        )

    def png(self) -> bytes:
        """The drawing as PNG, two pixels for each of CSS."""
        color = np.zeros((self.height * SCALE, self.width * SCALE, 3))
        alpha = np.zeros(color.shape[:2])
        for mark in self.marks:
            over, rgb, opacity = _cover(mark, alpha.shape)
            laid = over * opacity
            out = laid + alpha * (1 - laid)
            mixed = (rgb * laid[..., None] + color * (alpha * (1 - laid))[..., None]) / np.maximum(out, 1e-9)[..., None]
            color, alpha = mixed, out
        pixels = np.concatenate([color, alpha[..., None] * 255], axis=2)
        return _png(np.round(pixels).astype(np.uint8))


def _svg(mark: tuple[Any, ...], ink: str) -> str:
    kind, *rest = mark
    if kind == "box":
        x, y, width, height, color, opacity = rest
        return f'<rect x="{x:.5g}" y="{y:.5g}" width="{width:.5g}" height="{height:.5g}" {_fill(color, ink, opacity)}/>'
    if kind == "dots":
        places, radius, color, opacity = rest
        path = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in places)
        stroke = ink if color == INK else color
        return (
            f'<path d="{path}" fill="none" stroke="{stroke}" stroke-opacity="{opacity:.3g}" '
            f'stroke-width="{2 * radius:.3g}" stroke-linecap="round"/>'
        )
    if kind == "ring":
        x, y, radius, width, color = rest
        outline = f'fill="none" stroke="{color}" stroke-width="{width:.3g}"'
        return f'<circle cx="{x:.5g}" cy="{y:.5g}" r="{radius:.3g}" {outline}/>'
    if kind == "line":
        points, width, color = rest
        path = " ".join(f"{x:.5g},{y:.5g}" for x, y in points)
        stroke = ink if color == INK else color
        return f'<polyline points="{path}" fill="none" stroke="{stroke}" stroke-width="{width:.3g}"/>'
    x, y, text, anchor, color = rest
    return (
        f'<text x="{x:.5g}" y="{y:.5g}" text-anchor="{anchor}" font-family="{FONT}" font-size="11" '
        f"{_fill(color, ink, 1)}>{in_html(text).replace('<span>', '').replace('</span>', '')}</text>"
    )


def _fill(color: str, ink: str, opacity: float) -> str:
    faded = f' fill-opacity="{opacity:.3g}"' if opacity < 1 else ""
    return f'fill="{ink if color == INK else color}"{faded}'


def _cover(mark: tuple[Any, ...], shape: tuple[int, ...]) -> tuple[Image, Image, float]:
    """How much of each pixel a mark covers, its color, and its opacity."""
    kind, *rest = mark
    over = np.zeros(shape)
    if kind == "box":
        x, y, width, height, color, opacity = rest
        across = _overlap(shape[1], x * SCALE, (x + width) * SCALE)
        down = _overlap(shape[0], y * SCALE, (y + height) * SCALE)
        return down[:, None] * across[None], _rgb(color), opacity
    if kind == "dots":
        places, radius, color, opacity = rest
        stay = np.ones(shape)
        for x, y in places * SCALE:
            _stamp(stay, x, y, radius * SCALE, opacity)
        return 1 - stay, _rgb(color), 1.0
    if kind == "ring":
        x, y, radius, width, color = rest
        down, across = np.mgrid[: shape[0], : shape[1]] + 0.5
        away = np.abs(np.hypot(across - x * SCALE, down - y * SCALE) - radius * SCALE)
        return np.clip(width * SCALE / 2 + 0.5 - away, 0, 1), _rgb(color), 1.0
    if kind == "line":
        points, width, color = rest
        for (x0, y0), (x1, y1) in itertools.pairwise(points):
            over = np.maximum(over, _segment(shape, x0, y0, x1, y1, width))
        return over, _rgb(color), 1.0
    x, y, text, anchor, color = rest
    _write(over, x * SCALE, y * SCALE, text, anchor)
    return over, _rgb(color), 1.0


def _overlap(n: int, low: float, high: float) -> Image:
    edges = np.arange(n + 1, dtype=float)
    return np.clip(np.minimum(edges[1:], high) - np.maximum(edges[:-1], low), 0, 1)


def _stamp(stay: Image, x: float, y: float, radius: float, opacity: float) -> None:
    reach = int(np.ceil(radius)) + 1
    top, left = max(int(y) - reach, 0), max(int(x) - reach, 0)
    part = stay[top : int(y) + reach + 1, left : int(x) + reach + 1]
    down, across = np.mgrid[: part.shape[0], : part.shape[1]] + 0.5
    away = np.hypot(across + left - x, down + top - y)
    part *= 1 - opacity * np.clip(radius + 0.5 - away, 0, 1)


def _segment(shape: tuple[int, ...], x0: float, y0: float, x1: float, y1: float, width: float) -> Image:
    down, across = np.mgrid[: shape[0], : shape[1]] + 0.5
    ax, ay, bx, by = x0 * SCALE, y0 * SCALE, x1 * SCALE, y1 * SCALE
    length = max((bx - ax) ** 2 + (by - ay) ** 2, 1e-9)
    along = np.clip(((across - ax) * (bx - ax) + (down - ay) * (by - ay)) / length, 0, 1)
    away = np.hypot(across - ax - along * (bx - ax), down - ay - along * (by - ay))
    return np.clip(width * SCALE / 2 + 0.5 - away, 0, 1)


def _write(over: Image, x: float, y: float, text: str, anchor: str) -> None:
    size, step = SCALE, (WIDTH + 1) * SCALE
    long = len(text) * step - size
    left = round(x - long * {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor])
    top = round(y) - HEIGHT * size
    for n, letter in enumerate(text):
        rows = GLYPHS.get(letter) or GLYPHS.get(letter.lower()) or GLYPHS[" "]
        drawn = np.kron(np.array([[sign == "#" for sign in row] for row in rows], dtype=float), np.ones((size, size)))
        a, b = max(top, 0), max(left + n * step, 0)
        room = over[a : top + drawn.shape[0], b : left + n * step + drawn.shape[1]]
        room[:] = np.maximum(room, drawn[: room.shape[0], : room.shape[1]])


def _rgb(color: str) -> Image:
    return np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)], dtype=float)


def _png(pixels: NDArray[np.uint8]) -> bytes:
    height, width, _ = pixels.shape
    lines = np.zeros((height, 1 + 4 * width), dtype=np.uint8)
    lines[:, 1:] = pixels.reshape(height, -1)
    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    body = zlib.compress(lines.tobytes(), 9)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
