"""Panels as plain anywidgets, in a host that has nothing of Jupyter's: live, kept, themed, and told when it goes."""

import pytest

import saescope
from e2e.axe import violations
from e2e.bare_host import BareHost
from e2e.conftest import open_page, watched
from e2e.test_browser import open_feature, shoot
from saescope.bundled import DATA


@pytest.fixture(scope="module")
def scope():
    return saescope.open_index(DATA / "index")


@pytest.fixture
def host(scope):
    served = BareHost([scope.browse(), scope.show("feature")])
    yield served
    served.stop()


@pytest.fixture
def bare_window(browser, host):
    context, opened = open_page(browser)
    with watched(opened, host):
        yield opened
        context.close()


@pytest.mark.parametrize("where", ["light", "shadow&dark"])
def test_panels_are_live_and_follow_each_other_in_any_host(host, bare_window, scope, where):
    bare_window.goto(f"{host.url}/?{where}")
    panels = bare_window.locator(".saescope[data-status=ready]")
    panels.nth(1).locator("[data-example]").first.wait_for()
    feature = int(scope.table.rows("max")[4])
    open_feature(panels.first, feature)
    panels.nth(1).locator(f"[data-page-feature='{feature}'] [data-example]").first.wait_for()
    back = panels.first.evaluate("(node) => getComputedStyle(node).backgroundColor")
    is_dark = sum(int(n) for n in back[back.index("(") + 1 : -1].split(",")[:3]) < 3 * 128
    assert is_dark == ("dark" in where)
    panels.first.locator(".ss-star-name").click()
    menu = panels.first.locator(".ss-list-menu")
    menu.locator("input[type=text], input:not([type])").first.click()
    assert menu.is_visible()
    shoot(bare_window, f"bare-host-{where[:6]}")
    assert violations(bare_window, ".place:first-of-type") == []


def test_what_was_done_is_there_again_when_the_page_is_loaded_again_and_a_file_is_saved(host, bare_window, scope):
    bare_window.goto(host.url)
    panel = bare_window.locator(".saescope[data-status=ready]").first
    panel.locator("[data-example]").first.wait_for()
    panel.get_by_role("tab", name="Neighbors").click()
    panel.get_by_role("tabpanel", name="Neighbors").wait_for()
    with bare_window.expect_download() as saved:
        panel.get_by_text("save CSV", exact=True).click()
    assert len(saved.value.path().read_text(encoding="utf-8").splitlines()) == 1 + scope.n_features
    bare_window.wait_for_timeout(600)
    bare_window.reload()
    bare_window.locator(".saescope").first.get_by_role("tabpanel", name="Neighbors").wait_for()


def test_a_host_that_loses_its_process_greys_the_panel_and_keeps_it(host, bare_window):
    bare_window.goto(host.url)
    bare_window.locator(".saescope[data-status=ready] [data-example]").first.wait_for()
    host.cut()
    gone = bare_window.locator(".saescope[data-status=closed]").first
    gone.wait_for()
    assert "kernel is gone" in gone.inner_text()
    assert gone.locator("[data-example]").count() > 0
