import json
import subprocess
import sys

import saescope

BUDGET_S = 0.3
HEAVY = ("torch", "transformers", "sae_lens", "polars", "pyarrow", "anywidget", "IPython")


def run(code, env):
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True, timeout=120
    )
    return json.loads(done.stdout)


def test_the_import_is_quick_and_light(child_env):
    code = (
        "import time, sys, json; start = time.perf_counter(); import saescope; took = time.perf_counter() - start\n"
        f"print(json.dumps([took, [n for n in {HEAVY!r} if n in sys.modules]]))"
    )
    runs = [run(code, child_env) for _ in range(3)]
    assert min(took for took, _ in runs) < BUDGET_S
    assert [loaded for _, loaded in runs] == [[], [], []]


def test_an_index_is_browsed_without_torch(child_env, opened):
    code = f"""
import sys, json, saescope
scope = saescope.open_index({str(opened.index.path)!r})
found = [len(scope.features), len(scope.examples(5)), len(scope.examples(5, k=50)), len(scope.neighbors(5))]

from saescope.rpc.transports.memory import MemoryPage
found.append(MemoryPage().call("feature.get", {{"scope": scope.id, "feature": 5}}).last["t"])
scope.browse()._repr_mimebundle_()
print(json.dumps([found, [n for n in ("torch", "transformers", "sae_lens") if n in sys.modules]]))
"""
    found, loaded = run(code, child_env)
    assert loaded == []
    assert (found[0], found[3], found[4]) == (256, 20, "result")


def test_a_panel_is_shown_without_what_takes_long_to_import(child_env, opened):
    code = f"""
import sys, json, saescope
scope = saescope.open_index({str(opened.index.path)!r})
shown = scope.browse()._repr_mimebundle_()[0]
from saescope.rpc.transports.memory import MemoryPage
none = {{"scope": scope.id, "offset": 0, "count": 9, "filter": {{"search": "no feature says this"}}}}
assert MemoryPage().call("features.window", none).last["data"]["n_match"] == 0
print(json.dumps([len(shown), [n for n in ("pandas", "pyarrow.compute", "pyarrow.parquet") if n in sys.modules]]))
"""
    n_kinds, loaded = run(code, child_env)
    assert loaded == []
    assert n_kinds >= 3


def test_every_public_name_is_there(child_env):
    code = (
        "import json, saescope; print(json.dumps([n for n in saescope.__all__ if getattr(saescope, n, None) is None]))"
    )
    assert run(code, child_env) == []
    assert {"load", "open_index", "demo", "Scope"} <= set(saescope.__all__)


def test_no_module_hides_a_public_name(child_env):
    code = (
        "import json, pkgutil, saescope\n"
        "print(json.dumps(sorted({m.name for m in pkgutil.iter_modules(saescope.__path__)} & set(saescope.__all__))))"
    )
    assert run(code, child_env) == []
