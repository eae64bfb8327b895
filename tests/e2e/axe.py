"""Accessibility, by axe-core: what it finds wrong inside one part of a page."""

from pathlib import Path

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"

RUN = """async (selector) => {
  const found = await window.axe.run(selector, { resultTypes: ['violations'] });
  return found.violations.map((v) => `${v.id}: ${v.help}: ` +
    v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160) + ' / ' + n.failureSummary.slice(0, 200)).join(' | '));
}"""


def violations(page, selector):
    """Each rule that is broken, with the first elements that break it."""
    if not page.evaluate("() => window.axe !== undefined"):
        page.evaluate("(source) => void new Function(source).call(window)", AXE.read_text(encoding="utf-8"))
    return page.evaluate(RUN, selector)
