"""Registration of a pilot: what was fixed, when, and what has changed since. A file beside the pilot's, for git."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import bpo_analysis
from bpo_analysis.data.pilots.spec import PilotSpec, digest_of
from bpo_analysis.errors import PilotError

if TYPE_CHECKING:
    from bpo_analysis.data.dataset import Dataset

__all__ = ["Amendment", "Registration", "read_registration", "register_pilot", "registration_file"]

_KEYS = {"registered_on", "digest", "version", "reason", "spec"}
_SHORT = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """A later registration: when, why, and what was changed by it."""

    date: dt.date
    reason: str
    changed: tuple[str, ...]
    after_start: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What a pilot's registration file says about its pilot file as it is now.

    Attributes
    ----------
    state : {"registered", "changed", "unregistered"}
        ``changed``: the pilot file differs from what was last registered.
    registered_on : date, optional
        Day of the first registration.
    late : bool
        Whether that day is after the start it was registered with.
    digest, version : str
        Of the last registration.
    amendments : tuple of Amendment
        Later registrations, in order.
    changed : tuple of str
        What differs now from what was last registered, old -> new.
    start : date
        The start that the first registration named (that of the pilot file where there is none).
    pilot_id : str
    """

    state: Literal["registered", "changed", "unregistered"]
    registered_on: dt.date | None = None
    late: bool = False
    digest: str = ""
    version: str = ""
    amendments: tuple[Amendment, ...] = ()
    changed: tuple[str, ...] = ()
    start: dt.date
    pilot_id: str

    @property
    def label(self) -> str:
        """State and days in a few words, for lists."""
        if self.registered_on is None:
            return self.state
        parts = [f"registered {self.registered_on}{' (after the start)' if self.late else ''}"]
        parts += [f"amended on {one.date}{' (after the start)' if one.after_start else ''}" for one in self.amendments]
        return ", ".join([*parts, *(["changed since"] if self.changed else [])])

    @property
    def sentence(self) -> str:
        """The banner in words."""
        if self.registered_on is None:
            return (
                "Not registered: nothing shows that margins, looks and decision rule were fixed before the results "
                f"were seen. To register it: bpo pilot register DATA {self.pilot_id}."
            )
        late = "after" if self.late else "on the day of" if self.registered_on == self.start else "before"
        parts = [f"Registered on {self.registered_on}, {late} the start ({self.start})."]
        if self.late:
            parts.append("Results could have been seen when the plan was fixed.")
        for amendment in self.amendments:
            after = ", after the start" if amendment.after_start else ""
            parts.append(f"Amended on {amendment.date}{after}: {_ended(amendment.reason)}")
            parts.append(f"Changed: {'; '.join(amendment.changed)}.")
        if self.changed:
            parts.append(f"Changed since, without being registered: {'; '.join(self.changed)}.")
        else:
            parts.append("Unchanged since.")
        parts.append(f"Digest {self.digest[:_SHORT]}, toolkit version {self.version}.")
        return " ".join(parts)


def registration_file(spec: PilotSpec) -> Path:
    """Return the path of a pilot's registration."""
    return spec.file.with_name(f"{spec.id}.registration.json")


def read_registration(spec: PilotSpec) -> Registration:
    """Compare a pilot with its registration.

    Raises
    ------
    PilotError
        If the registration file cannot be read.
    """
    entries = _entries(registration_file(spec))
    if not entries:
        return Registration(state="unregistered", start=spec.start, pilot_id=spec.id)
    first, last = entries[0], entries[-1]
    start = dt.date.fromisoformat(first["spec"]["start"])
    registered_on = dt.date.fromisoformat(first["registered_on"])
    changed = _changes(last["spec"], spec.content)
    changed += tuple(
        f"the registration of {entry['registered_on']} was edited by hand (its digest does not fit its content)"
        for entry in entries
        if digest_of(entry["spec"]) != entry["digest"]
    )
    return Registration(
        state="changed" if changed else "registered",
        registered_on=registered_on,
        late=registered_on > start,
        digest=last["digest"],
        version=last["version"],
        amendments=tuple(
            Amendment(
                date=dt.date.fromisoformat(entry["registered_on"]),
                reason=entry["reason"],
                changed=_changes(before["spec"], entry["spec"]),
                after_start=dt.date.fromisoformat(entry["registered_on"]) > start,
            )
            for before, entry in pairwise(entries)
        ),
        changed=changed,
        start=start,
        pilot_id=spec.id,
    )


def register_pilot(dataset: Dataset, pilot_id: str, *, registered_on: dt.date | None = None, reason: str = "") -> Path:
    """Freeze a pilot: append its content, digest, date and version to its registration file.

    A pilot that is registered as it is stays as it is: nothing is written.

    Parameters
    ----------
    dataset : Dataset
    pilot_id : str
    registered_on : date, optional
        Today by default.
    reason : str, default ""
        Why a registered pilot was changed; needed then.

    Returns
    -------
    Path
        The registration file.

    Raises
    ------
    PilotError
        If the pilot has problems or could not be judged, or was changed since it was registered and no reason is given.
    """
    spec = dataset.find_pilot(pilot_id)
    file, known = registration_file(spec), read_registration(spec)
    if known.state == "registered":
        return file
    cannot = dataset.pilot_findings(spec.id).unfit
    if cannot:
        raise PilotError(str(spec.file), [*cannot[:-1], f"{cannot[-1]} Until that is mended it is not registered."])
    if known.state == "changed" and not reason.strip():
        raise PilotError(
            str(spec.file),
            [
                f"was changed since it was registered on {known.registered_on}: {'; '.join(known.changed)}. Undo the "
                f'change, or register it with a reason: bpo pilot register DATA {spec.id} --amend "why".'
            ],
        )
    entry = {
        "registered_on": str(registered_on or dt.datetime.now().astimezone().date()),
        "digest": spec.digest,
        "version": bpo_analysis.__version__,
        "reason": reason.strip() if known.state == "changed" else "",
        "spec": spec.content,
    }
    text = json.dumps([*_entries(file), entry], indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    part = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise PilotError(str(file), [f"cannot be written ({error.strerror}). Make its folder writable."]) from None
    return file


def _entries(file: Path) -> list[dict[str, Any]]:
    remedy = "Restore it from version control; as a last resort remove it and register the pilot again."
    if not file.exists():
        return []
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))
        fits = isinstance(entries, list) and all(_is_entry(entry) for entry in entries)
    except (OSError, ValueError):
        fits = False
    if not fits:
        raise PilotError(str(file), [f"is not a registration. {remedy}"])
    return list(entries)


def _is_entry(entry: Any) -> bool:
    if not isinstance(entry, dict) or set(entry) != _KEYS or not isinstance(entry["spec"], dict):
        return False
    texts = [entry[key] for key in _KEYS - {"spec"}] + [entry["spec"].get("start")]
    if not all(isinstance(text, str) for text in texts):
        return False
    dt.date.fromisoformat(entry["registered_on"]), dt.date.fromisoformat(entry["spec"]["start"])
    return True


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Say in words what differs, key by key."""
    old, new = _flat(before), _flat(after)
    return tuple(
        f"{key}: {_shown(old.get(key))} -> {_shown(new.get(key))}"
        for key in dict.fromkeys([*old, *new])
        if old.get(key) != new.get(key)
    )


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    if isinstance(value, list) and value and all(isinstance(item, dict) and "kpi" in item for item in value):
        value = {item["kpi"]: {key: rest for key, rest in item.items() if key != "kpi"} for item in value}
    if not isinstance(value, dict) or not value:
        return {path: value} if path and value != {} else {}
    return {
        name: found for key, inner in value.items() for name, found in _flat(inner, f"{path} {key}".strip()).items()
    }


def _shown(value: Any) -> str:
    if value is None:
        return "absent"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return str(value) if value != "" else "empty"


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
