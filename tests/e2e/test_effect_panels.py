"""Cause and effect in a real JupyterLab: figures as Python gives them, streams that stop, text that stays text."""

import re

import pytest

from e2e.test_browser import shoot
from e2e.test_panels import ATTACK, open_with

TEXT = "The king said so to the sailors of the islands, and the old city"


@pytest.fixture
def page(kept_page):
    return kept_page


def test_an_effect_in_the_panel_is_that_of_python(page, lab):
    figures = f"print(*scope.ablate({TEXT!r}, top[0], controls=0)['kl'])"
    panel = open_with(
        page, lab, "effect.ipynb", figures, f"scope.select(text={TEXT!r})", "scope.show('effects', top[0])"
    ).first
    panel.locator(".ss-eff-figures").wait_for()
    shown = float(re.search(r"KL\s+(\d[\d.e-]*) nats", panel.locator(".ss-eff-figures").inner_text())[1])
    printed = page.locator(".jp-Cell").nth(1).locator(".jp-OutputArea-output pre").first.inner_text()
    assert any(abs(shown - float(kl)) <= 0.006 * shown for kl in printed.split()), (shown, printed)
    assert "exact" in panel.inner_text()
    assert "control" in panel.inner_text()


def test_steered_text_streams_beside_the_unsteered_and_can_be_stopped(page, lab):
    panel = open_with(page, lab, "steer.ipynb", f"scope.select(text={TEXT!r})", "scope.show('steer', top[0])").first
    run = panel.locator(".ss-steer-run")
    run.wait_for()
    run.click()
    texts = panel.locator(".ss-steer-text")
    page.wait_for_function("() => document.querySelectorAll('.ss-steer-text').length > 1")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.ss-steer-body')].every((text) => text.textContent.length > 3)"
    )
    panel.press("Escape")
    panel.get_by_role("button", name="Write").wait_for()
    written = texts.first.inner_text()
    page.wait_for_timeout(1500)
    assert texts.first.inner_text() == written
    shoot(page, "steered")


def test_markup_in_a_prompt_is_text_in_every_panel_of_effects(page, lab):
    cells = [f"scope.select(text={ATTACK + ' ' + TEXT!r})"]
    cells += [f"scope.show({name!r}, top[0])" for name in ("effects", "prompt", "steer", "circuit")]
    panels = open_with(page, lab, "markup-effects.ipynb", *cells)
    for n, ready in enumerate(
        (".ss-eff-figures, .ss-eff-wait, .ss-eff-right", ".ss-prompt-row", ".ss-steer-run", ".ss-circuit-middle")
    ):
        panel = panels.nth(n)
        panel.scroll_into_view_if_needed()
        panel.locator(ready).first.wait_for()
        assert panel.locator("img, script, iframe").count() == 0
    page.wait_for_timeout(500)
    assert page.evaluate("() => window.__hacked") is None
    assert "onerror" in panels.nth(1).inner_text()
