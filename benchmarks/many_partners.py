"""Write the synthetic portfolio with many partners.

The six outside partners of the sample again and again, each time drawn with another seed and under another name, and
one in-house team.

    python -m benchmarks.many_partners DIR [--partners 100]
"""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pandas as pd

__all__ = ["write_portfolio"]

SAMPLE = Path(__file__).resolve().parents[1] / "data" / "sample"
_OUTSIDE = 6
_SHARED = ("benchmarks", "category_map", "kb_articles", "updates")
"""Tables of the client, the same whoever answers."""
_SHARED_IDS = ("article_id", "update_id", "item_id", "pilot_id")
_KEYS = ("customer_key",)
_PILOT_TABLES = ("pilot_units",)


def write_portfolio(folder: Path, partners: int, *, seed: int = 100) -> Path:
    """Write a dataset folder with that many outside partners, unless it is there.

    Parameters
    ----------
    folder : Path
    partners : int
    seed : int, default 100
        Of the first six; the next six have the next one.

    Returns
    -------
    Path
        The folder.
    """
    if (folder / "dataset.toml").is_file():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    maker = _maker()
    small: dict[str, list[pd.DataFrame]] = {}
    for number, first in enumerate(range(0, partners, _OUTSIDE)):
        tables = _renamed(maker.build(seed=seed + number), number, wanted=partners - first)
        for name, table in tables.items():
            if name in maker.PARQUET:
                maker.write_parquet(table, folder / f"{name}_{number:02}.parquet")
            else:
                small.setdefault(name, []).append(table)
    for name, parts in small.items():
        maker.write_csv(pd.concat(parts, ignore_index=True), folder / f"{name}.csv")
    (folder / "dataset.toml").write_text(_config(maker.PARQUET), encoding="utf-8")
    return folder


def _maker() -> ModuleType:
    spec: Any = importlib.util.spec_from_file_location("make_portfolio", SAMPLE / "make_portfolio.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def _renamed(tables: dict[str, pd.DataFrame], number: int, *, wanted: int) -> dict[str, pd.DataFrame]:
    """Give every partner, agent, contact ... of one round a name of its own; keep the client's tables of the first."""
    outside = tables["partners"].query("kind != 'inhouse'")["partner_id"].iloc[:wanted]
    kept = [*outside, *tables["partners"].query("kind == 'inhouse'")["partner_id"]] if number == 0 else list(outside)
    contracts = tables["contracts"].query("partner_id in @kept")["contract_id"]
    escalations = tables["escalations"].query("partner_id in @kept")["escalation_id"]
    found = {}
    for name, table in tables.items():
        if name in _PILOT_TABLES or (name in _SHARED and number):
            continue
        if "partner_id" in table:
            mine = table["partner_id"].isin(kept) | (table["partner_id"].isna() & (number == 0))
            table = table[mine]
        elif name == "contract_incentives":
            table = table[table["contract_id"].isin(contracts)]
        elif name == "escalation_steps":
            table = table[table["escalation_id"].isin(escalations)]
        elif "interaction_id" in table:
            mine = tables["interactions"].query("partner_id in @kept")["interaction_id"]
            table = table[table["interaction_id"].isin(mine)]
        found[name] = _suffixed(table, number) if name not in _SHARED else table
    return found


def _suffixed(table: pd.DataFrame, number: int) -> pd.DataFrame:
    if number == 0:
        return table
    ids = [name for name in table if (name.endswith("_id") and name not in _SHARED_IDS) or name in _KEYS]
    changed = {
        name: table[name].astype(object).where(table[name].isna(), table[name].astype(str) + f"-{number}")
        for name in ids
    }
    for name in ("name", "masked_name"):
        if name in table and "kind" in table and "region" in table:  # table partners
            changed[name] = table[name] + f" {number + 1}"
    return table.assign(**changed)


def _config(parquet: Any) -> str:
    """The sample's configuration, with a file for each round in place of one."""
    text = (SAMPLE / "portfolio" / "dataset.toml").read_text(encoding="utf-8")
    for name in sorted(parquet):
        file = f'file = "{name}_*.parquet"'
        if f'file = "{name}.parquet"' in text:
            text = text.replace(f'file = "{name}.parquet"', file)
        elif f"[tables.{name}]" in text:
            text = text.replace(f"[tables.{name}]", f"[tables.{name}]\n{file}")
        else:
            text += f"\n[tables.{name}]\n{file}\n"
    return re.sub(r"^title = .*$", 'title = "Many partners (synthetic)"', text, count=1, flags=re.MULTILINE)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--partners", default=100, show_default=True, type=click.IntRange(min=1))
def main(folder: Path, partners: int) -> None:
    """Write the dataset into FOLDER."""
    click.echo(str(write_portfolio(folder, partners)))


if __name__ == "__main__":
    main()
