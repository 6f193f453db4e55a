"""docs/performance.md, part by part: each benchmark writes the one under its heading."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable
from pathlib import Path

from bpo_analysis.reports.workers import usable_cores

__all__ = ["DOCUMENT", "machine", "targets", "write_part"]

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "performance.md"


def machine() -> str:
    """Say what machine this is, and how busy it is: a figure without it means little."""
    processors = Path("/proc/cpuinfo")
    text = processors.read_text(encoding="utf-8", errors="replace") if processors.is_file() else ""
    model = re.search(r"model name\s*: (.+)", text)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    load = os.getloadavg()[2]
    return f"{usable_cores()} cores ({model[1] if model else platform.machine()}), {memory:.0f} GB, load {load:.1f}"


def targets(held: Iterable[tuple[str, bool]]) -> list[str]:
    """Return lines that say of each target, with what was measured, whether it was met."""
    return ["Targets:", "", *(f"- {what}; {'met' if is_met else 'not met'}" for what, is_met in held)]


def write_part(heading: str, text: str) -> None:
    """Put a text under a heading of the document in place of what stands there; other parts stay as they are."""
    before = DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.is_file() else "# Performance\n"
    part = f"## {heading}\n\n{text}\n"
    pattern = re.compile(rf"^## {heading}\n.*?(?=^## |\Z)", flags=re.MULTILINE | re.DOTALL)
    after = pattern.sub(lambda _: f"{part}\n", before) if pattern.search(before) else f"{before.rstrip()}\n\n{part}"
    DOCUMENT.write_text(after.rstrip() + "\n", encoding="utf-8")
