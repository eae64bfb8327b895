import base64
import json
from html.parser import HTMLParser

import polars as pl
import pytest

import saescope
import tiny
from saescope.panels.browser import Browser
from saescope.panels.snapshot import MIME, first_feature

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


def saved_by(panel):
    return panel._repr_mimebundle_()[0]


def answer(bundle, method):
    return next(a for a in bundle[MIME]["answers"] if a["method"] == method)


def test_a_snapshot_is_small_json_with_what_the_table_says(opened):
    feature = busiest(opened)
    bundle = saved_by(Browser(opened, feature))
    assert len(json.dumps(bundle[MIME]).encode()) < 50_000
    assert answer(bundle, "feature.get")["data"]["feature"] == feature
    examples = [e for part in answer(bundle, "examples.list")["events"] for e in part["examples"]]
    assert [e["activation"] for e in examples] == pytest.approx(
        opened.examples(feature, k=10)["activation"].to_list(), rel=1e-5
    )
    rows = pl.read_ipc_stream(base64.b64decode(answer(bundle, "features.window")["buffers"][0]))
    assert rows["feature"].to_list() == opened.table.rows("max")[:20].tolist()


def test_without_a_feature_the_first_of_the_list_is_open(opened):
    fresh = saescope.open_index(opened.index.path)
    bundle = saved_by(Browser(fresh))
    assert answer(bundle, "feature.get")["data"]["feature"] == first_feature(fresh)


def test_a_scope_without_index_has_a_snapshot_too():
    scope = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())
    bundle = saved_by(Browser(scope))
    assert bundle[MIME]["answers"] == []
    assert bundle["text/plain"] == repr(scope)
    assert "no index" in bundle["text/html"]


def test_text_of_a_corpus_never_becomes_markup(attacked):
    seen = ""
    for feature in range(0, 256, 5):
        page = Browser(attacked, feature).html()
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
    lines = Browser(opened, feature).text().splitlines()
    first = opened.examples(feature, k=1, context=12).row(0, named=True)
    assert f"[{first['token']}]" in lines[2]
    assert len(lines) == 12
