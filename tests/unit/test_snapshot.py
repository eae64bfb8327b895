import json
from html.parser import HTMLParser

import pytest

import saescope
import tiny
from saescope.panels.snapshot import snapshot, static_html, static_text

ATTACK = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def attacked(tmp_path_factory):
    from saescope.progress import Silent

    scope = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())
    documents = [{"text": f"{ATTACK} the sea </td><script>alert(2)</script> & \"'", "source": ATTACK}] * 12
    scope.build_index(documents, out=tmp_path_factory.mktemp("attack") / "index", progress=Silent())
    return scope


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.text = set(), set(), ""

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.text += data


def busiest(scope):
    return int(scope.features.sort("n_fires")["feature"][-1])


def test_a_snapshot_is_small_json_with_what_the_table_says(opened):
    feature = busiest(opened)
    saved = snapshot(opened, "browser", {"scope": opened.id, "feature": feature})
    assert len(json.dumps(saved).encode()) < 50_000
    part = saved["snapshot"]
    assert part["page"]["feature"] == feature
    assert [e["activation"] for e in part["examples"]] == pytest.approx(
        opened.examples(feature, k=10)["activation"].to_list(), rel=1e-5
    )
    assert [r["feature"] for r in part["window"]["rows"]] == opened.table.rows("max", has_fired=True)[:20].tolist()


def test_without_a_feature_the_first_of_the_list_is_open(opened):
    saved = snapshot(opened, "browser", {"scope": opened.id})["snapshot"]
    assert saved["page"]["feature"] == saved["window"]["rows"][0]["feature"]


def test_a_scope_without_index_has_a_snapshot_too():
    scope = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())
    saved = snapshot(scope, "browser", {"scope": scope.id})
    assert "No index yet" in static_html(saved)
    assert static_text(scope, saved) == repr(scope)


def test_text_of_a_corpus_never_becomes_markup(attacked):
    seen = ""
    for feature in range(0, 256, 5):
        saved = snapshot(attacked, "browser", {"scope": attacked.id, "feature": feature})
        page = static_html(saved)
        parsed = Tags()
        parsed.feed(page)
        assert parsed.tags <= {"div", "p", "b", "br", "table", "tr", "td", "span"}
        assert parsed.attributes <= {"style", "title"}
        assert "<img" not in page
        assert "<script" not in page
        seen += parsed.text
    assert ATTACK in seen


def test_readable_text_marks_the_peak(opened):
    feature = busiest(opened)
    saved = snapshot(opened, "browser", {"scope": opened.id, "feature": feature})
    lines = static_text(opened, saved).splitlines()
    first = saved["snapshot"]["examples"][0]
    assert f"[{first['texts'][first['peak']]}]" in lines[2]
    assert len(lines) == 12
