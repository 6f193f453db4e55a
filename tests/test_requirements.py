"""docs/requirements.md is complete, and no row of it points at nothing."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
KINDS = {"B": 94, "E": 25, "O": 9}
COUNTS = {"A": 15, "B": 8, "C": 26, "D": 6, "E": 7, "F": 18, "G": 11, "H": 9, "I": 18, "J": 10}


def rows() -> dict[str, list[str]]:
    found = {}
    for line in (ROOT / "docs" / "requirements.md").read_text(encoding="utf-8").splitlines():
        if re.match(r"\| [A-J]\d+ \|", line):
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            found[cells[0].strip()] = [cell.strip("`| ") for cell in cells[1:]]
    return found


ROWS = rows()
ANSWERED = [id for id, row in ROWS.items() if row[3]]


def code_of(template: str) -> str:
    notebook = json.loads((ROOT / "templates" / f"{template}.ipynb").read_text(encoding="utf-8"))
    return "\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code")


def test_every_row_of_the_source_documents_is_there():
    assert list(ROWS) == [f"{letter}{n}" for letter, count in COUNTS.items() for n in range(1, count + 1)]
    assert {kind: sum(row[2] == kind for row in ROWS.values()) for kind in KINDS} == KINDS


def test_every_analysis_and_every_piece_of_evidence_has_its_place():
    assert not [id for id, row in ROWS.items() if row[2] in "BE" and id not in ANSWERED]
    assert all(len(row) == 7 for row in ROWS.values())


@pytest.mark.parametrize("id", ANSWERED)
def test_a_row_points_at_what_is_there(id):
    _, _, _, template, section, computed, test = ROWS[id]
    code = code_of(template)
    if section != "all of it":
        assert f"sections.{section}(" in code, f"{template} does not show {section}"
    assert exists(computed), computed
    file, name = test.split("::")
    assert f"\ndef {name}(" in (ROOT / file).read_text(encoding="utf-8"), test


def exists(path: str) -> bool:
    """Whether a dotted path below the package is a module, or a name (of a class) in one."""
    parts = path.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(["bpo_analysis", *parts[:end]]))
        except ModuleNotFoundError:
            continue
        for name in parts[end:]:
            found = getattr(found, name, None)
        return found is not None
    return False


@pytest.mark.parametrize("template", ["monthly_partner_review", "quarterly_business_review"])
def test_improvement_is_on_every_business_review(template):
    assert "sections.improvement(review)" in code_of(template)
