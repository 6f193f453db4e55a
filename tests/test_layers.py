"""Imports run one way; the table in ARCHITECTURE.md is the rule."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import bpo_analysis

PACKAGE = Path(bpo_analysis.__file__).parent
ARCHITECTURE = Path(__file__).parents[1] / "ARCHITECTURE.md"
MODULES = sorted(PACKAGE.rglob("*.py"))


def allowed() -> dict[str, set[str]]:
    """Layers and what each may import, read from the table in ARCHITECTURE.md."""
    rules: dict[str, set[str]] = {}
    for line in ARCHITECTURE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 2 and re.fullmatch(r"(`\w+`(, )?)+", cells[0]):
            for layer in re.findall(r"`(\w+)`", cells[0]):
                rules[layer] = set(re.findall(r"`(\w+)`", cells[1])) | {layer}
    return rules


def layer_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_layers(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "bpo_analysis":
            parts = (node.module or "").split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("bpo_analysis.")}
    return {name for name in found if (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file()}


def test_the_table_names_every_layer():
    assert set(allowed()) == {layer_of(path) for path in MODULES} - {"__init__"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_one_way(path):
    layer = layer_of(path)
    if layer == "__init__":
        assert not imported_layers(path) & {"reports", "cli"}
        return
    forbidden = imported_layers(path) - allowed()[layer]
    assert not forbidden, f"{path.name} of layer {layer} imports {sorted(forbidden)}"


def test_no_module_is_a_drawer():
    names = {path.stem for path in MODULES}
    assert not {name for name in names if "util" in name or "helper" in name or "common" in name}
