from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from bpo_analysis.reports.plan import plan_reports

PARAMETERS = 'partner: str = "p1"  # who\nperiod: str = ""  # when\ndata: str = ""  # where'
KERNEL = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}


@pytest.fixture
def write_template(tmp_path):
    """Write a notebook with a parameters cell and the given code cells."""

    def write(name, *code, parameters=PARAMETERS, title="# A review"):
        cells = [new_markdown_cell(title), new_code_cell(parameters, metadata={"tags": ["parameters"]})]
        notebook = new_notebook(cells=[*cells, *map(new_code_cell, code)], metadata=KERNEL)
        path = Path(tmp_path) / f"{name}.ipynb"
        nbformat.write(notebook, path)
        return path

    return write


@pytest.fixture
def plan(tmp_path):
    """Plan reports for partners p1, p2, ... below a folder of this test."""

    def make(*templates, partners=1, names=None, **kwargs):
        ids = [f"p{i + 1}" for i in range(partners)]
        known = dict(zip(ids, names or [f"Partner {i}" for i in ids], strict=True))
        return plan_reports(templates, known, period="2026-03", data=tmp_path, out=tmp_path / "out", **kwargs)

    return make
