"""The documentation site: `make docs` builds it into `docs/site`."""

import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path.insert(0, str(HERE / "ext"))

project = "saescope"
author = "The saescope team"
copyright = "2026, the saescope team"  # noqa: A001 - Sphinx's name
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "commands",
    "mathml",
    "elsewhere",
    "literals",
]
exclude_patterns = ["jupyter_execute", "site", "ext", "pictures"]

myst_links_external_new_tab = False

html_theme = "furo"
html_title = "saescope"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False

myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3
nb_execution_mode = "off"
nb_merge_streams = True

autosummary_generate = True
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_rtype = False
default_role = "code"


def _take_notebooks() -> None:
    """The example notebooks are pages of the site; they live in `examples/`."""
    folder = HERE / "tutorials"
    folder.mkdir(exist_ok=True)
    for path in sorted((ROOT / "examples").glob("[0-9]_*.ipynb")):
        shutil.copyfile(path, folder / path.name)


_take_notebooks()

suppress_warnings = ["mystnb.unknown_mime_type"]
"""A snapshot has a picture of itself as well, which is shown."""
