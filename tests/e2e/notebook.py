"""Driving a notebook in JupyterLab as a person would, with the waits that this needs."""

import nbformat

STARTED = "() => window.jupyterapp !== undefined && window.jupyterapp.restored.then(() => true)"
READY = """async () => {
  const panel = window.jupyterapp.shell.currentWidget;
  if (!panel || !panel.sessionContext) return false;
  await panel.sessionContext.ready;
  const kernel = panel.sessionContext.session && panel.sessionContext.session.kernel;
  if (!kernel) return false;
  await kernel.info;
  return true;
}"""


def write(lab, name, cells):
    """Put a notebook where the server sees it."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    notebook.metadata["kernelspec"] = {"name": "warm", "display_name": "Python 3 (ipykernel)", "language": "python"}
    nbformat.write(notebook, lab.notebooks / name)


def open_notebook(page, lab, name, token):
    """Open a notebook and wait until its kernel answers; in a page that shows JupyterLab, without loading it again."""
    if page.url.startswith(f"{lab.url}/lab") and page.evaluate("() => window.jupyterapp !== undefined"):
        page.evaluate("(path) => window.jupyterapp.commands.execute('docmanager:open', { path })", name)
    else:
        page.goto(f"{lab.url}/lab/tree/{name}?reset&token={token}")
    page.wait_for_selector(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook .jp-Cell")
    page.wait_for_function(STARTED)
    page.wait_for_function(READY)


def run_cell(page, n, wait=True):
    """Run the cell of this number; waits for its prompt to have one."""
    page.evaluate(
        """async (n) => {
          const panel = window.jupyterapp.shell.currentWidget;
          panel.content.activeCellIndex = n;
          window.__ran = window.jupyterapp.commands.execute('notebook:run-cell');
        }""",
        n,
    )
    if wait:
        page.wait_for_function(
            """(n) => {
              const cell = window.jupyterapp.shell.currentWidget.content.widgets[n];
              const prompt = cell.node.querySelector('.jp-InputPrompt');
              return /\\[\\d+\\]/.test(prompt ? prompt.textContent : '');
            }""",
            arg=n,
        )


def set_theme(page, is_dark):
    """Switch JupyterLab's theme."""
    name = "JupyterLab Dark" if is_dark else "JupyterLab Light"
    page.evaluate("(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", name)
    page.wait_for_function(
        "(light) => document.body.dataset.jpThemeLight === light", arg="false" if is_dark else "true"
    )
