"""Datasets for all tests: small ones written on the spot, the two bundled ones, and a cache folder of their own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from bpo_analysis.data import Dataset, open_dataset
from bpo_analysis.data.places import CACHE_VARIABLE

SAMPLE = Path(__file__).resolve().parents[1] / "data" / "sample"

PARTNERS = """\
    partner_id,name,kind
    acme,Acme Support,bpo
    bolt,Bolt & Co,bpo
"""
TARGETS = """\
    kpi,op,value,kind
    service_level,>=,80 %,absolute
"""


def _volume() -> str:
    """Two partners, every day of January 2026, on purpose uneven."""
    lines = ["partner_id,interval_start,offered,answered,answered_in_threshold,abandoned"]
    for number, partner in enumerate(("acme", "bolt")):
        for day in range(1, 32):
            offered = 10 + (7 * day + 3 * number) % 23
            abandoned = (day + number) % 4
            answered = offered - abandoned
            lines.append(f"{partner},2026-01-{day:02d},{offered},{answered},{answered - day % 3},{abandoned}")
    return "\n".join(lines) + "\n"


DEFAULTS = {"partners": PARTNERS, "targets": TARGETS, "volume": _volume()}


@pytest.fixture(autouse=True, scope="session")
def _cache_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def write_dataset(tmp_path: Path) -> Callable[..., Path]:
    """Write a dataset folder: ``write_dataset(toml, volume="...", surveys="...", files={"x.csv": b"..."})``.

    Each keyword is a table written as CSV text; partners, targets and volume have small defaults, and None leaves a
    table out. ``files`` writes any further file as it is.
    """

    def write(
        toml: str = "", *, folder: str = "data", files: dict[str, str | bytes] | None = None, **tables: str | None
    ) -> Path:
        path = tmp_path / folder
        path.mkdir(exist_ok=True)
        (path / "dataset.toml").write_text(dedent(toml), encoding="utf-8")
        for name, text in (DEFAULTS | tables).items():
            if text is not None:
                (path / f"{name}.csv").write_text(dedent(text).lstrip("\n"), encoding="utf-8")
        for name, content in (files or {}).items():
            (path / name).write_bytes(content if isinstance(content, bytes) else dedent(content).encode())
        return path

    return write


@pytest.fixture(scope="session")
def nhs111() -> Dataset:
    """The bundled real dataset, prepared."""
    return open_dataset(SAMPLE / "nhs111").prepare()


@pytest.fixture(scope="session")
def portfolio() -> Dataset:
    """The bundled synthetic dataset, prepared."""
    return open_dataset(SAMPLE / "portfolio").prepare()


@pytest.fixture
def updates_learned() -> Callable[[dict[str, int]], dict[str, str]]:
    """Tables roster, updates and training_acks of ten agents: for each day an update, known by so many of them."""

    def tables(trained: dict[str, int]) -> dict[str, str]:
        agents = [f"a{number}" for number in range(10)]
        roster = ["agent_id,partner_id,hire_date,prod_date", *(f"{a},acme,2025-01-01,2025-01-20" for a in agents)]
        updates = ["update_id,source,title,announced_on,effective_on,mandatory"]
        acks = ["update_id,agent_id,partner_id,assigned_on,due_on,acknowledged_on,trained_on"]
        for number, (day, count) in enumerate(trained.items()):
            updates.append(f"u{number},client,News {number},2025-10-01,{day},true")
            for place, agent in enumerate(agents):
                done = "2025-10-20" if place < count else ""
                acks.append(f"u{number},{agent},acme,2025-10-01,{day},{done},{done}")
        named = {"roster": roster, "updates": updates, "training_acks": acks}
        return {name: "\n".join(lines) + "\n" for name, lines in named.items()}

    return tables
