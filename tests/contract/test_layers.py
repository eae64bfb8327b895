"""Imports go downwards only, and heavy packages stay where they belong; read from the syntax tree."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "python_pkg" / "saescope"
FILES = sorted(PACKAGE.rglob("*.py"))
LEVELS = {
    "errors": 0, "types": 0, "registries": 0, "_version": 0, "progress": 0, "live": 0,
    "sources": 1, "corpus": 1, "notes": 1,
    "engine": 2, "index": 2,
    "effects": 3, "indexing": 3, "query": 3,
    "scope": 4,
    "bundled": 5, "export": 5, "findings": 5, "imports": 5, "rpc": 5,
    "panels": 6, "cli": 6,
}  # fmt: skip
ROOTS = {"__init__", "__main__"}
UPWARDS = {("scope", "panels"): "Scope.browse opens the panel"}
HEAVY = {"torch", "transformers", "sae_lens"}
HEAVY_HOMES = {"sources", "engine", "effects", "indexing"}
JUPYTER = {"anywidget", "ipywidgets", "comm", "IPython", "traitlets", "ipykernel", "jupyterlab"}
EDGES = {"registries.py", "rpc/handlers/plugins.py", "rpc/connection.py", "rpc/lanes.py"}


def name_of(path):
    return path.relative_to(PACKAGE).as_posix()


def part_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def running_nodes(tree):
    """All nodes but those that only type checkers see."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from running_nodes(node)


def imports_of(path):
    for node in running_nodes(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)} imports relatively"
            names = [f"saescope.{a.name}" for a in node.names] if node.module == "saescope" else [node.module]
            yield from names


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_go_downwards_only(path):
    here = part_of(path)
    if here in ROOTS:
        return
    assert here in LEVELS, f"{here} has no level: give it one here and in CONTRIBUTING.md"
    for module in imports_of(path):
        head, _, rest = module.partition(".")
        there = rest.partition(".")[0]
        if head != "saescope" or there in ("", here):
            continue
        is_allowed = LEVELS[there] < LEVELS[here] or (LEVELS[here] == LEVELS[there] == 0) or (here, there) in UPWARDS
        assert is_allowed, f"{name_of(path)} imports {module}, which is not below it"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_heavy_packages_are_imported_only_where_models_are_run(path):
    if part_of(path) not in HEAVY_HOMES:
        assert not HEAVY & {m.partition(".")[0] for m in imports_of(path)}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_jupyter_packages_are_imported_only_by_panels_and_transports(path):
    if not name_of(path).startswith(("panels/", "rpc/transports/")):
        assert not JUPYTER & {m.partition(".")[0] for m in imports_of(path)}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_house_rules_hold(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        where = f"{name_of(path)}:{getattr(node, 'lineno', '')}"
        assert not isinstance(node, ast.Assert), f"{where} asserts"
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"{where} catches everything"
            caught = {n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)}
            if "BaseException" in caught:
                assert isinstance(node.body[-1], ast.Raise), f"{where} swallows BaseException"
            assert "Exception" not in caught or name_of(path) in EDGES, f"{where} catches Exception"
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called != "print" or part_of(path) == "cli", f"{where} prints"
            assert called not in ("torch.load", "eval", "exec", "pickle.load", "pickle.loads"), (
                f"{where} calls {called}"
            )
    assert not {"pickle", "dill", "joblib"} & {m.partition(".")[0] for m in imports_of(path)}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_files_are_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_what_is_public_is_documented(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree) or not tree.body
    kinds = (ast.ClassDef, ast.FunctionDef)
    found = [n for n in tree.body if isinstance(n, kinds)]
    found += [
        m
        for n in found
        if isinstance(n, ast.ClassDef) and not n.name.startswith("_")
        for m in n.body
        if isinstance(m, kinds)
    ]
    bare = [n.name for n in found if not n.name.startswith("_") and not ast.get_docstring(n)]
    assert bare == []
