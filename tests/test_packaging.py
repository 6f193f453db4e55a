"""One list of dependencies, told twice: pyproject.toml and its conda twin."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Names that differ on conda-forge.
PIP_ONLY = {"axe-playwright-python", "pyworkforce"}
CONDA = {"duckdb": "python-duckdb", "ibis-framework": "ibis-duckdb", "matplotlib": "matplotlib-base"}


def pyproject() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def split(requirement: str) -> tuple[str, str]:
    name, _, bound = re.fullmatch(r"([\w.-]+)(\[[^]]+\])?(.*)", requirement).groups()
    return CONDA.get(name, name), bound


def conda_packages() -> dict[str, str]:
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    listed = re.findall(r"^  - ([\w.-]+)((?:[<>=]=?|,)[^\s]*)?$", text, flags=re.M)
    return {name: bound for name, bound in listed if name not in ("conda-forge", "pip")}


def pip_packages() -> dict[str, str]:
    """Packages that conda-forge does not have, from the part that pip installs."""
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    return dict(re.findall(r"^      - ([\w.-]+)((?:[<>=]=?)[^\s]*)", text, flags=re.M))


def test_environment_yml_has_what_pyproject_has():
    project = pyproject()
    extras = project["optional-dependencies"]
    listed = [*project["dependencies"], *extras["lab"], *extras["test"], *extras["validation"]]
    wanted = dict(split(r) for r in listed if not r.startswith("bpo-analysis["))
    by_pip = {name: wanted.pop(name) for name in PIP_ONLY}
    assert pip_packages() == by_pip
    found = conda_packages()
    python = found.pop("python")
    assert found == wanted
    assert python.startswith(project["requires-python"])


def test_extras_are_the_promised_ones():
    assert {"lab", "test", "dev"} <= set(pyproject()["optional-dependencies"])


def test_constraints_hold_names_and_versions_only():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert len(lines) > 50
    for line in lines:
        assert re.fullmatch(r"[A-Za-z0-9_.-]+==[\w.!+]+", line), line


def test_constraints_cover_every_dependency():
    project = pyproject()
    pinned = {
        line.split("==")[0].lower().replace("_", "-") for line in (ROOT / "constraints.txt").read_text().splitlines()
    }
    requirements = [*project["dependencies"], *(r for e in project["optional-dependencies"].values() for r in e)]
    names = {re.match(r"[\w.-]+", r).group().lower() for r in requirements} - {"bpo-analysis"}
    assert names <= pinned


DOCUMENTS = sorted(str(path.relative_to(ROOT)) for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_between_documents_lead_somewhere(name):
    file = ROOT / name
    text = re.sub(r"```.*?```|`[^`\n]*`", "", file.read_text(encoding="utf-8"), flags=re.DOTALL)  # code has no links
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (file.parent / target).exists(), f"{name} links to {target}"
