"""The in-process engine against papermill's ordinary one, on a notebook with every kind of output."""

import ast
import json
import re
import subprocess
import sys

import nbformat
import pytest

from bpo_analysis.reports.render import render_report

RUN = """
import json, sys, warnings
warnings.simplefilter("ignore")
import papermill
source, target, engine = sys.argv[1:]
try:
    papermill.execute_notebook(source, target, {"period": "x"}, engine_name=engine or None, progress_bar=False)
    print(json.dumps(None))
except papermill.PapermillExecutionError as error:
    print(json.dumps([error.cell_index, error.exec_count, error.ename, error.evalue]))
"""
CELLS = [
    'import sys\nprint("one")\ndisplay("two")\nprint("three", end="")\nperiod',
    'print("to stderr", file=sys.stderr)',
    "import pandas as pd\nframe = pd.DataFrame({'a': [1, 2]})\nframe",
    "frame;",
    "class Section:\n"
    "    def _repr_mimebundle_(self, include=None, exclude=None):\n"
    "        return {'text/html': '<b>x</b>', 'text/plain': 'x', 'application/vnd.bpo+json': {'rows': [1, 2.5]}}\n"
    "Section()",
    "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nprint('before the figure')",
    "handle = display('first', display_id='d')",
    "handle.update('second')",
    "from IPython.display import clear_output, HTML\nprint('gone')\nclear_output(wait=True)\nHTML('<i>y</i>')",
    "__name__, Section.__module__, type(_).__name__, _i[:4]",
    "!echo from a shell",
    "",
    "def fails():\n    raise ValueError('for <reasons>')\nfails()",
    "print('never reached')",
]


def _execute(source, target, engine):
    command = [sys.executable, "-W", "ignore", "-c", RUN, str(source), str(target), engine]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout), nbformat.read(target, as_version=4)


def _outputs(notebook):
    """All outputs, cell by cell, without what differs between any two runs of the same kernel."""
    listed = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            text = re.sub(r"\x1b\[[\d;]*m", "", json.dumps(output, sort_keys=True).replace("\\u001b", "\x1b"))
            listed.append((cell.execution_count, re.sub(r'"image/png": "[^"]{20,}"', '"image/png": "..."', text)))
    return listed


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("engines")
    cells = [nbformat.v4.new_code_cell("period: str = ''", metadata={"tags": ["parameters"]})]
    cells += [nbformat.v4.new_code_cell(cell) for cell in CELLS]
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    source = folder / "source.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), source)
    return {name or "ordinary": _execute(source, folder / f"{name}.ipynb", name) for name in ("bpo", "")}


def test_outputs_equal_those_of_an_ordinary_kernel(runs):
    ours, theirs = _outputs(runs["bpo"][1]), _outputs(runs["ordinary"][1])
    assert ours == theirs


def test_the_error_is_the_one_papermill_would_raise(runs):
    ours, theirs = runs["bpo"][0], runs["ordinary"][0]
    assert ours == theirs
    assert ours[2:] == ["ValueError", "for <reasons>"]


def test_papermill_records_cells_as_for_an_ordinary_kernel(runs):
    def states(notebook):
        recorded = [cell.metadata.get("papermill", {}) for cell in notebook.cells]
        return [(cell.get("status"), cell.get("exception")) for cell in recorded]

    assert states(runs["bpo"][1]) == states(runs["ordinary"][1])


def test_a_process_is_left_as_it_was_found_and_can_run_a_second_notebook(write_template):
    template = write_template("twice", "import matplotlib.pyplot as plt\nplt.plot([1]);", "x = 1\nx")
    code = f"""
import builtins, sys, nbformat, papermill
from IPython.core.interactiveshell import InteractiveShell
def run():
    notebook = papermill.execute_notebook({str(template)!r}, None, engine_name="bpo", progress_bar=False)
    return [list(output.get("data", {{}})) for cell in notebook.cells for output in cell.get("outputs", [])]
main, hook = sys.modules["__main__"], sys.displayhook
first, second = run(), run()
assert first == second and "image/png" in first[0], (first, second)
assert sys.modules["__main__"] is main and sys.displayhook is hook and not hasattr(builtins, "get_ipython")
bare = papermill.execute_notebook(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x")]), None, {{"x": 7}},
    engine_name="bpo", progress_bar=False)
assert bare.cells[-1].outputs[0].data["text/plain"] == "7"  # a notebook that names no kernel
InteractiveShell.instance()
try:
    run()
except papermill.exceptions.PapermillException as error:
    assert "needs a process without a running IPython shell" in str(error)
else:
    raise AssertionError("ran inside another shell")
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_papermill_s_command_line_finds_the_engine_and_makes_the_same_page(write_template, tmp_path):
    code = ("print('made of', period)", "import pandas as pd\npd.DataFrame({'a': [1.5, 2]})", "period + '!'")
    template, pages = write_template("review", *code), {}
    for engine in ("bpo", "nbclient"):
        made = tmp_path / f"{engine}.ipynb"
        words = [str(template), str(made), "--engine", engine, "-p", "period", "2026-03", "--no-progress-bar"]
        subprocess.run([sys.executable, "-W", "ignore", "-m", "papermill", *words], check=True)
        pages[engine] = render_report(nbformat.read(made, as_version=4), title="Review")
    assert "made of 2026-03" in pages["bpo"]
    assert pages["bpo"] == pages["nbclient"]


def test_the_notebook_on_disk_is_the_one_so_far_while_a_cell_runs(write_template, tmp_path):
    look = (
        "import nbformat\n"
        "found = nbformat.read({!r}, as_version=4)\n"
        "nbformat.validate(found)\n"
        "said = [[o.get('text', '') for o in cell.get('outputs', [])] for cell in found.cells]\n"
        "[[cell.metadata.papermill.status, text] for cell, text in zip(found.cells, said)]"
    )
    target = tmp_path / "made.ipynb"
    source = write_template("half", "print('before')", look.format(str(target)), "print('after')")
    _, notebook = _execute(source, target, "bpo")
    seen = next(o.data["text/plain"] for cell in notebook.cells for o in cell.get("outputs", []) if "data" in o)
    states = [state for state, _ in ast.literal_eval(seen)]
    assert states[-1] == "pending"
    assert states[-2] == "running"
    assert set(states[:-2]) == {"completed"}
    assert "before" in seen
    assert "after" not in seen
    assert "after" in json.dumps(notebook.cells[-1])
