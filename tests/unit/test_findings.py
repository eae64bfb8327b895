"""Findings as a notebook and as a page: what they say, and that what is in them is read, not run."""

import base64
import gzip
import json
import re
import shutil
import struct
import subprocess
import zlib
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import numpy as np
import polars as pl
import pytest

import saescope
from saescope.errors import InputError, OccupiedError, UnknownFeatureError, UnknownNameError
from saescope.findings import Findings
from saescope.findings.canvas import Canvas
from saescope.findings.pinning import from_text, hold, pin, to_text
from saescope.findings.remarks import as_html, as_markdown
from saescope.findings.texts import in_html, in_markdown, shown
from saescope.progress import Silent
from saescope.rpc.transports.memory import MemoryPage

ROOT = Path(__file__).parents[2]
SANITIZER = ROOT / "node_modules" / "@jupyterlab" / "apputils" / "lib" / "sanitizer.js"
FEATURES = [8, 13]
HOSTILE = [
    "<script>window.hit = 1</script>",
    "</textarea></title></style><script>window.hit = 1</script>",
    '<img src=x onerror="window.hit = 1">',
    "[go](javascript:window.hit=1) ![x](http://evil.example/x.png)",
    "](javascript:alert(1)) `</code><script>window.hit=1</script>`",
    "```\n</pre><script>window.hit=1</script>\n```",
    "a\u202egnp.exe\u2066b",
    "nul\x00bell\x07",
    "costs $5 and \\(x^2\\) $6 **bold** _em_ # head | cell",
    "x" * 10_000,
    "''' + boom + '''",
]
LIVE = {"script", "iframe", "object", "embed", "form", "input", "textarea", "link", "base"}


class Page(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data):
        self.text += data

    def check(self):
        assert not LIVE & set(self.tags)
        assert not [a for a in self.attributes if a[1].startswith("on")]
        targets = [v for _, name, v in self.attributes if name in ("href", "src", "srcset", "action", "xlink:href")]
        assert all(re.match(r"https?://|mailto:|#|data:image/svg", t) for t in targets), targets


@pytest.fixture(scope="module")
def told(tiny_folder, tmp_path_factory):
    """Model, SAE and a copy of the index, with notes, marks and a kept result."""
    folder = tmp_path_factory.mktemp("findings")
    for name in ("tiny-model", "tiny-sae", "index"):
        shutil.copytree(tiny_folder / name, folder / name, ignore=shutil.ignore_patterns("notes*"))
    scope = saescope.load(folder / "tiny-model", sae=folder / "tiny-sae", index=folder / "index")
    scope.notes.set(8, label="ships", remark="It **fires** on `ships`.", tags=["sea"], status="checked", confidence=0.8)
    scope.notes.set(13, label="stars")
    scope.notes.add("two", [13, 8])
    examples = scope.examples(8, k=2)
    scope.notes.mark(8, examples[0], "typical")
    scope.notes.mark(8, examples[1], "counterexample")
    scope.keep(8, "sweep", text="the sea ship sailed")
    scope.keep(8, "effect_summary", k=3)
    return scope


@pytest.fixture
def notebook(told, tmp_path):
    return read(
        told.export_notebook(tmp_path / "f.ipynb", FEATURES, question="Why?", conclusion="So.", progress=Silent())
    )


def read(path):
    made = nbformat.read(path, 4)
    nbformat.validate(made)
    return made


def outputs(notebook):
    return [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs]


def page_of(scope, path, features=FEATURES, **options):
    return scope.export_report(path, features, overwrite=True, progress=Silent(), **options).read_text(encoding="utf-8")


def table_after(page, call):
    """The rows of the table that stands below a call."""
    part = page[page.index(in_html(call)) :]
    part = part[part.index("<table") : part.index("</table>")]
    rows = re.findall(r"<tr>(.*?)</tr>", re.sub(r"<sub.*?</sub>", "", part), re.DOTALL)
    return [[Page(cell).text for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)] for row in rows]


def test_the_notebook_is_valid_and_tells_all(told, notebook):
    said = "\n".join(c.source for c in notebook.cells)
    for words in (
        "# Findings in tiny",
        "Why?",
        "So.",
        "## 8 · ships",
        "It **fires** on <code>ships</code>.",
        "checked",
    ):
        assert words in said
    assert len({c.id for c in notebook.cells}) == len(notebook.cells)
    assert notebook.nbformat_minor == 5
    codes = [c for c in notebook.cells if c.cell_type == "code"]
    assert all(c.outputs or c.source.startswith("written = ") for c in codes)
    kept = next(k for k in told.kept(8) if k.method == "sweep")
    assert any(kept.code in c.source for c in codes)
    hashes = told.fingerprints.values()
    assert all(h in codes[0].outputs[0].data["text/html"] for h in hashes)


def test_every_static_output_has_text_and_nothing_that_runs(notebook):
    for output in outputs(notebook):
        assert output.data["text/plain"].strip()
        assert "application/vnd.jupyter.widget-view+json" not in output.data
        Page(output.data.get("text/html", "")).check()
        assert {"text/html", "image/svg+xml"} & set(output.data)
        if "image/svg+xml" in output.data:
            Page(output.data["image/svg+xml"]).check()
            assert base64.b64decode(output.data["image/png"]).startswith(b"\x89PNG")


def test_numbers_in_the_page_are_those_of_the_scope(told, tmp_path):
    page = page_of(told, tmp_path / "f.html")
    rows = table_after(page, 'findings.show("8 examples", scope.examples(8, k=10, context=16))')
    frame = told.examples(8, k=10, context=16)
    assert [float(r[0]) for r in rows[1:]] == pytest.approx(frame["activation"].to_list(), rel=6e-3)
    texts = ["".join(shown(t).replace("\n", "⏎") for t in row).strip() for row in frame["tokens"].to_list()]
    assert [re.sub(r"[✓✗] \w+$", "", r[-1]).strip() for r in rows[1:]] == texts
    rows = table_after(page, 'findings.show("13 neighbors", scope.neighbors(13, k=8))')
    frame = told.neighbors(13, k=8)
    assert [int(r[0]) for r in rows[1:]] == frame["feature"].to_list()
    assert [float(r[1]) for r in rows[1:]] == pytest.approx(frame["score"].to_list(), rel=6e-3)
    kept = next(k for k in told.kept(8) if k.method == "effect_summary")
    rows = table_after(page, kept.code)
    assert [float(r[-3].replace("−", "-")) for r in rows[1:]] == pytest.approx(kept.frame["mean"].to_list(), rel=6e-3)
    facts = dict(table_after(page, 'findings.show("8 statistics", scope.feature(8))'))
    row = told.feature(8).row(0, named=True)
    assert facts["fires on"].endswith(f": {row['n_fires']:,} of {row['n_counted']:,} tokens")


def test_marks_and_shading_survive_without_style(told, tmp_path):
    page = page_of(told, tmp_path / "f.html", [8])
    bare = re.sub(r' (style|class|title)="[^"]*"', "", page)
    frame = told.examples(8, k=10, context=16)
    peaks = re.findall(r"<b>( *)<u>(.*?)</u></b>", bare)
    assert len(peaks) == frame.height
    fires = sum(
        sum(1 for i, v in enumerate(r["activations"]) if v and i != r["peak"]) for r in frame.iter_rows(named=True)
    )
    examples = bare[bare.index("8 examples") : bare.index("8 neighbors")]
    assert len(re.findall(r"<u>", examples)) == fires + frame.height
    assert examples.count("✓ typical") == 1
    assert examples.count("✗ counterexample") == 1


def styles(page):
    return [sorted(re.split(r";\s*", v.strip("; "))) for _, name, v in page.attributes if name in ("style", "title")]


@pytest.mark.skipif(not SANITIZER.exists() or shutil.which("node") is None, reason="no JupyterLab sources here")
def test_outputs_survive_jupyterlabs_sanitizer(notebook):
    found = [o.data["text/html"] for o in outputs(notebook) if "text/html" in o.data]
    code = (
        f"import {{ Sanitizer }} from {json.dumps(str(SANITIZER))};"
        "let s = ''; for await (const c of process.stdin) s += c;"
        "const z = new Sanitizer(); console.log(JSON.stringify(JSON.parse(s).map((t) => z.sanitize(t))));"
    )
    run = subprocess.run(
        ["node", "--input-type=module", "-e", code], input=json.dumps(found), capture_output=True, text=True, check=True
    )
    for before, after in zip(found, json.loads(run.stdout), strict=True):
        old, new = Page(before), Page(after)
        assert old.text == new.text
        assert old.tags == new.tags
        assert styles(old) == styles(new)
    assert "background-color" in run.stdout


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_read_as_it_is(told, tmp_path, text):
    from nbconvert import HTMLExporter

    path, noted = tmp_path / "f.ipynb", text.replace("\x00", "")
    told.notes.set(13, label=noted[:900], remark=noted, tags=[noted.replace(",", "")[:80].replace("\n", " ")])
    try:
        told.export_notebook(
            path, [13], ["statistics"], title=text[:500], question=text, conclusion=text, progress=Silent()
        )
        page = page_of(told, tmp_path / "f.html", [13], title=text[:500], question=text, conclusion=text)
    finally:
        told.notes.set(13, label="stars", remark="", tags=[])
    seen = Page(page)
    seen.check()
    assert page.count("<style>") == 1
    one = shown(text).split("\n")[0][:500].rstrip()
    assert one in seen.text
    made = read(path)
    converted, _ = HTMLExporter().from_notebook_node(made)
    body = converted[converted.index("<body") :]
    assert "window.hit" not in "".join(re.findall(r"<script[^>]*>(.*?)</script>", body, re.DOTALL))
    parsed = Page(re.sub(r"<script.*?</script>", "", body, flags=re.DOTALL))
    assert not [a for a in parsed.attributes if a[1].startswith("on")]
    targets = [v.lower().strip() for _, name, v in parsed.attributes if name in ("href", "src")]
    assert not [t for t in targets if t.startswith(("javascript", "vbscript"))]
    assert not [v for tag, name, v in parsed.attributes if tag == "img" and not v.startswith("data:") and name == "src"]
    for character in "\u202e\u2066\x00\x07":
        assert character not in body + page
    assert one[:400] in re.sub(r"\s+", " ", parsed.text) or one[:400] in parsed.text
    compile(next(c.source for c in made.cells if c.source.startswith("written = ")), "cell", "exec")


@pytest.mark.parametrize(
    "text",
    [
        "[a](javascript:x)", "[a]( javascript:x)", "[a](\njavascript:x)", "[a](<javascript:x>)", "[a](java&#115;cript:x)",
        "[a](java\\script:x)", "[a](JaVaScRiPt:x)", "[a](data:text/html,x)", "[a](vbscript:x)", "[a][b]\n\n[b]: javascript:x",
        "[a][b]\n\n> [b]: javascript:x", "<javascript:x>", "[a](&#x6A;avascript:x)", "[a](javascript&colon;x)", "[a](\x01javascript:x)",
        "`a` [a](`javascript:x`)", "[`](javascript:x)`", "<a href='javascript:x'>a</a>", "![a](javascript:x)", "[a](//x:y@javascript:z)",
        "[![a](x)](javascript:x)", "<svg/onload=x>", "<!--<a>--><img src=x onerror=x>", "&lt;script&gt;", "~~~\n<script>x</script>",
        "```\n</pre><script>x</script>", "    <script>x</script>", "- <script>x</script>", "| a |\n| - |\n| <script>x</script> |",
        "a ``<script>x</script>`", "\\<script>x</script>", "\\`<script>x</script>\\`",
    ],
)  # fmt: skip
def test_no_markdown_makes_something_live(text):
    import mistune
    from nbconvert.filters.markdown_mistune import markdown2html_mistune

    for rendered in (
        as_html(text),
        mistune.html(as_markdown(text)),
        markdown2html_mistune(as_markdown(text)),
    ):
        page = Page(rendered)
        assert not LIVE & set(page.tags) | ({"img", "svg"} & set(page.tags)), rendered
        for _, name, value in page.attributes:
            assert not name.startswith("on"), rendered
            scheme = re.sub(r"[\s\x00-\x1f]", "", value).lower()
            assert name != "href" or not re.match(r"(javascript|data|vbscript):", scheme), rendered


def test_markdown_keeps_what_is_meant():
    text = "# One\n\nSome *em*, **strong**, `a < b`, [site](https://example.org).\n\n- x\n- y\n\n```python\nif a < b:\n    pass\n```"
    html = as_html(text)
    for part in (
        "<h4>One</h4>",
        "<em>em</em>",
        "<strong>strong</strong>",
        "<code>a &lt; b</code>",
        "<li>x</li><li>y</li>",
    ):
        assert part in html
    assert '<a href="https://example.org" rel="noopener noreferrer">site</a>' in html
    assert "if a &lt; b:\n    pass" in html
    kept = as_markdown(text)
    assert kept.startswith("#### One\n")
    assert "[site](https://example.org)" in kept


@pytest.mark.parametrize(
    "text", [*HOSTILE[:6], HOSTILE[8], "1. a", "* a", "__a__", "a&amp;b", "~~a~~", "![a](b)", "a\\"]
)
def test_a_label_in_a_heading_is_its_text(text):
    import mistune

    rendered = Page(mistune.html(f"## {in_markdown(text)}"))
    assert rendered.text.strip() == shown(text).replace("\n", "⏎").strip()
    assert set(rendered.tags) <= {"h2", "span"}


def test_features_are_those_labelled_or_of_a_list(told, tmp_path):
    told.notes.lists  # noqa: B018
    made = read(told.export_notebook(tmp_path / "a.ipynb", include=[], progress=Silent()))
    assert [c.source.split("\n")[0] for c in made.cells if c.source.startswith(("## 8", "## 13"))] == [
        "## 8 · ships",
        "## 13 · stars",
    ]
    with pytest.raises(UnknownNameError, match="no list"):
        told.export_notebook(tmp_path / "b.ipynb", "none such")
    with pytest.raises(UnknownNameError, match="no part 'nieghbors'"):
        told.export_notebook(tmp_path / "b.ipynb", [8], ["nieghbors"])
    with pytest.raises(InputError, match="include is a list"):
        told.export_report(tmp_path / "b.html", [8], "examples")
    with pytest.raises(InputError, match="no features"):
        told.export_report(tmp_path / "b.html", [])
    with pytest.raises(UnknownFeatureError):
        told.export_report(tmp_path / "b.html", [9999])
    with pytest.raises(OccupiedError):
        told.export_notebook(tmp_path / "a.ipynb", [8])
    assert [p.name for p in tmp_path.iterdir()] == ["a.ipynb"]


def test_without_labels_the_error_says_what_to_give(tiny_folder, tmp_path):
    shutil.copytree(tiny_folder / "index", tmp_path / "index", ignore=shutil.ignore_patterns("notes*"))
    with pytest.raises(InputError, match="none has a label"):
        saescope.open_index(tmp_path / "index").export_notebook(tmp_path / "f.ipynb")


class Stopped(Silent):
    def advance(self, n):
        raise InterruptedError


def test_a_stop_leaves_nothing(told, tmp_path):
    with pytest.raises(InterruptedError):
        told.export_notebook(tmp_path / "f.ipynb", FEATURES, progress=Stopped())
    assert list(tmp_path.iterdir()) == []


def test_paths_go_from_the_notebook_and_temporary_ones_are_said(told, tmp_path):
    near = told.index.path.parent / "f.ipynb"
    made = read(told.export_notebook(near, [8], [], overwrite=True, progress=Silent()))
    assert 'saescope.load("tiny-model", sae="tiny-sae", index="index")' in made.cells[2].source
    near.unlink()
    deep = tmp_path / "a" / "b" / "c" / "d" / "e" / "f.ipynb"
    made = read(told.export_notebook(deep, [8], [], progress=Silent()))
    assert any("folder for temporary files" in c.source for c in made.cells)


def test_a_model_given_as_an_object_is_said_to_lack(tiny_scope, tmp_path):
    made = read(tiny_scope.export_notebook(tmp_path / "f.ipynb", [8], ["statistics"], progress=Silent()))
    said = "\n".join(c.source for c in made.cells)
    assert "given as objects" in said
    assert "saescope.open_index(" in said


def test_pins_compare_within_the_tolerance_and_texts_exactly():
    frame = pl.DataFrame({"a": [1, 2], "x": [1.0, None], "t": ["p", "q"], "l": [[1.0, 2.0], []], "w": [["a"], ["b"]]})

    def verdict(other, **options):
        _, results = from_text(to_text({}, {"r": pin(frame)}))
        return hold("r", results["r"], pin(other), **options)

    assert verdict(frame).verdict == "same"
    assert verdict(frame.with_columns(pl.col("x") + 5e-4)).verdict == "same"
    assert "x: 1 of 2 rows differs" in verdict(frame.with_columns(pl.col("x") + 0.1)).told
    assert "a: " in verdict(frame.with_columns(pl.col("a") + 1)).told
    assert "'P'" in verdict(frame.with_columns(pl.col("t").str.to_uppercase())).told
    assert verdict(frame.with_columns(w=pl.Series([["a"], ["c"]]))).verdict == "differs"
    assert verdict(frame.with_columns(l=pl.Series([[1.0, 2.1], []]))).verdict == "differs"
    assert "1 rows, and 2 were written" in verdict(frame.head(1)).told
    assert "no column 'x'" in verdict(frame.drop("x")).told


def test_columns_of_a_later_version_and_labels_are_no_difference_and_columns_that_are_gone_are():
    then = pin(pl.DataFrame({"feature": [1], "label": ["mine"], "n": [3]}))
    assert list(then["columns"]) == ["feature", "n"]
    then["columns"]["label"] = {"type": "String", "values": ["mine"]}  # as an older version wrote it
    later = pl.DataFrame({"feature": [1], "label": [None], "n": [3], "share": [0.5]}, schema_overrides={"label": str})
    assert hold("r", then, pin(later)).verdict == "same"
    assert hold("r", then, pin(later.with_columns(n=4))).verdict == "differs"
    assert hold("r", then, pin(later.drop("n"))).verdict == "differs"


def test_a_long_or_quoted_text_is_written_in_ascii():
    text = to_text({}, {"r": pin(pl.DataFrame({"t": ["'''\\", "\u202e" + "x" * 200]}))})
    assert text.isascii()
    assert "'" not in text
    assert json.loads(text)["results"]["r"]["columns"]["t"]["values"][0] == "'''\\"


def test_a_cell_that_was_not_run_is_missing(told):
    findings = Findings(told)
    findings.show("8 neighbors", told.neighbors(8, k=3))
    findings.show("8 examples", told.examples(8, k=3))
    written = to_text({}, findings.pinned)
    again = Findings(told)
    again.show("8 neighbors", told.neighbors(8, k=3))
    verdicts = {v.name: v.verdict for v in again.compare(written).verdicts}
    assert verdicts == {"8 neighbors": "same", "8 examples": "missing"}
    with pytest.raises(InputError, match="cannot be read"):
        again.compare("{}")


def test_a_drawing_is_the_same_as_svg_and_as_png():
    canvas = Canvas(20, 10, "<a>")
    canvas.box(2, 3, 10, 4, "#ff0000")
    canvas.dots(np.array([[16.0, 5.0]]), 2, "#0000ff")
    assert 'aria-label="&lt;a&gt;"' in canvas.svg()
    png = canvas.png()
    width, height = struct.unpack(">II", png[16:24])
    assert (width, height) == (40, 20)
    data = zlib.decompress(png[png.index(b"IDAT") + 4 : png.index(b"IEND") - 8])
    pixels = np.frombuffer(data, dtype=np.uint8).reshape(20, 161)[:, 1:].reshape(20, 40, 4)
    assert pixels[10, 10].tolist() == [255, 0, 0, 255]
    assert pixels[10, 32].tolist() == [0, 0, 255, 255]
    assert pixels[0, 0, 3] == 0


def test_the_command_writes_both(told, tmp_path, capsys):
    from saescope.cli.main import main

    index = str(told.index.path)
    target = tmp_path / "f.html"
    assert main(["export", "report", index, str(target), "--features", "8", "--set", "title=From afar"]) == 0
    assert "<h1>From afar</h1>" in target.read_text(encoding="utf-8")
    out = tmp_path / "f.ipynb"
    assert main(["export", "notebook", index, str(out), "--set", "include=statistics,examples"]) == 0
    assert "neighbors" not in "".join(
        c.source for c in read(out).cells if c.cell_type == "code" and "written" not in c.source
    )
    capsys.readouterr()


def test_a_list_is_told_in_its_order(told, tmp_path):
    page = page_of(told, tmp_path / "l.html", "two")
    assert page.index("13 · stars") < page.index("8 · ships")


def test_the_browser_comes_back_as_it_was_used_last(told, tmp_path):
    older = {"panels": {"features": {"sort": "density"}}, "feature": 3, "tab": "map"}
    last = {"panels": {"features": {"sort": "n_fires"}, "share": {"title": "x"}}, "feature": 13, "tab": "neighbors"}
    page = MemoryPage()
    for panel, state in (("a", last), ("b", older), ("a", last)):
        page.call("panel.save", {"scope": told.id, "panel": panel, "state": state})
    try:
        made = read(told.export_notebook(tmp_path / "b.ipynb", [8], progress=Silent()))
    finally:
        told.panel_states.clear()
    [cell] = [c for c in made.cells if c.cell_type == "code" and c.source.startswith("scope.browse(")]
    shown = eval(cell.source, {"scope": told})
    assert shown.feature == 13
    assert shown.state["tab"] == "neighbors"
    assert shown.state["panels"] == {"features": {"sort": "n_fires"}}


def test_a_very_large_state_is_cut_to_table_and_page(told, tmp_path):
    told.panel_states["x"] = {"panels": {"steer": {"runs": ["y" * 30_000]}, "feature": {"k": 7}}, "tab": "steer"}
    try:
        made = read(told.export_notebook(tmp_path / "c.ipynb", [8], progress=Silent()))
    finally:
        told.panel_states.clear()
    [cell] = [c for c in made.cells if c.cell_type == "code" and c.source.startswith("scope.browse(")]
    assert "yyy" not in cell.source
    assert '"k": 7' in cell.source


LABELS = [text for text in HOSTILE if "\x00" not in text and len(text) <= 1000] + ["x" * 1000]


@pytest.mark.parametrize("hostile", LABELS, ids=range(len(LABELS)))
@pytest.mark.parametrize("kind", ["csv", "parquet", "neuronpedia"])
def test_a_hostile_label_comes_out_of_other_exports_as_the_text_it_is(told, tmp_path, kind, hostile):
    told.notes.set(8, label=hostile)
    target = tmp_path / f"out.{kind}"
    wanted = {"creator_id": "c", "type_name": "by-hand", "explanation_model": "a-person"}
    options = wanted if kind == "neuronpedia" else {}
    try:
        told.export(kind, target, FEATURES, progress=Silent(), **options)
    finally:
        told.notes.set(8, label="ships")
    assert " ".join(hostile.split("\n")) in written_labels(kind, target)  # a label is one line


def written_labels(kind, target):
    """The labels in an export, read by what others read it with."""
    if kind == "csv":
        return pl.read_csv(target)["label"].to_list()
    if kind == "parquet":
        return pl.read_parquet(target)["label"].to_list()
    texts = [gzip.decompress(f.read_bytes()).decode() for f in target.rglob("explanations/*")]
    return [json.loads(line).get("description") for text in texts for line in text.splitlines()]


@pytest.mark.parametrize("label", ["nul\x00bell", "x" * 10_000])
def test_a_label_that_cannot_be_kept_is_refused(told, label):
    with pytest.raises(InputError, match="a label"):
        told.notes.set(8, label=label)
    assert told.notes.get(8).label == "ships"
