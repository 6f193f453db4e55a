"""Every template, found by its file: well-formed, thin, stripped, and it runs on its defaults."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import papermill
import pytest

from bpo_analysis.reports.parameters import read_parameters

ROOT = Path(__file__).parents[1]
TEMPLATES = sorted((ROOT / "templates").glob("*.ipynb"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def code_cells(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def test_there_are_templates():
    assert TEMPLATES


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: p.stem)
def test_papermill_sees_the_parameters_we_see(path):
    ours = {p.name for p in read_parameters(path)}
    assert ours == set(papermill.inspect_notebook(path))
    # What the runner sets; a page about all partners has no partner.
    assert {"period", "data"} <= ours
    assert "partner" in ours or path.stem == "portfolio_review"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: p.stem)
def test_every_parameter_says_what_it_is(path):
    assert all(p.help for p in read_parameters(path))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: p.stem)
def test_no_logic_in_a_template(path):
    for cell in code_cells(path):
        assert not re.search(r"^\s*(def|class|for|while|try|if|with)\b|%%|warnings\.", cell.source, flags=re.M), (
            cell.source
        )
        assert cell.source.count("\n") < 12


@pytest.mark.parametrize("path", [*TEMPLATES, *NOTEBOOKS], ids=lambda p: p.stem)
def test_notebooks_are_stripped(path):
    for cell in code_cells(path):
        assert not cell.outputs
        assert cell.execution_count is None


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: p.stem)
def test_runs_on_its_defaults_with_plain_papermill(path, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    done = papermill.execute_notebook(path, tmp_path / "out.ipynb", progress_bar=False)
    shown = [o for cell in done.cells for o in cell.get("outputs", []) if o.output_type == "execute_result"]
    # Every cell after the parameters and the set-up shows its section; a package has all of its own in one.
    assert len(shown) == len(code_cells(path)) - 2 >= (3 if path.stem == "custom_package" else 5)
    assert not [o for cell in done.cells for o in cell.get("outputs", []) if o.output_type == "error"]
