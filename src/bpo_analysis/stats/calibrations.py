"""What short series need is found by simulation, always the same for the same design: found once, it can be kept.

A calibration depends on the length and the model of a series, not on its values, and its seeds are fixed. Without a
folder it lives as long as the process; with one (:func:`keep_in`) the next process reads it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import tempfile
from collections.abc import Callable, Hashable
from dataclasses import fields, is_dataclass
from functools import cache, lru_cache, wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast
from zipfile import BadZipFile

import numpy as np
import scipy

__all__ = ["calibration", "keep_in"]

P = ParamSpec("P")
T = TypeVar("T")

_folder: list[Path] = []
"""Where calibrations are kept: none, or one."""


def keep_in(folder: Path) -> None:
    """Keep calibrations in a folder from now on, apart from those of other versions of the code and its libraries.

    A folder that cannot be written is no error: they are then found anew.
    """
    _folder[:] = [folder / _version()]


def calibration(result: type[Any], *, maxsize: int = 256) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Remember what a function of hashable arguments returns, in memory and in the folder of :func:`keep_in`.

    Parameters
    ----------
    result : type
        What the function returns: ``np.ndarray``, ``tuple`` (of arrays) or a dataclass of arrays and numbers.
    maxsize : int, default 256
        Results kept in memory.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @lru_cache(maxsize=maxsize)
        def remembered(*args: Hashable) -> T:
            file = _file(f"{function.__module__}.{function.__qualname__}", args) if _folder else None
            if file is not None and (kept := _read(file)) is not None:
                return cast(T, _unpacked(result, kept))
            found = function(*args)  # type: ignore[arg-type, call-arg]
            if file is not None:
                _write(file, _packed(found))
            return found

        @wraps(function)
        def called(*args: P.args, **kwargs: P.kwargs) -> T:
            return remembered(*args, **kwargs)  # type: ignore[arg-type]

        called.forget = remembered.cache_clear  # type: ignore[attr-defined]
        return called

    return decorate


def _packed(found: Any) -> list[Any]:
    if isinstance(found, np.ndarray):
        return [found]
    return list(found) if isinstance(found, tuple) else [getattr(found, field.name) for field in fields(found)]


def _unpacked(result: type[Any], arrays: list[Any]) -> Any:
    if result is np.ndarray:
        return arrays[0]
    values = [array.item() if array.ndim == 0 else array for array in arrays]
    return result(*values) if is_dataclass(result) else result(values)


def _file(name: str, args: tuple[Hashable, ...]) -> Path:
    digest = hashlib.blake2b(f"{name}{args!r}".encode(), digest_size=16).hexdigest()
    return _folder[0] / f"{digest}.npz"


def _read(file: Path) -> list[Any] | None:
    try:
        with file.open("rb") as handle, np.load(handle) as kept:
            return [kept[name] for name in kept.files]
    except (OSError, ValueError, EOFError, BadZipFile):  # not there, or cut short by a full disk
        return None


def _write(file: Path, arrays: list[Any]) -> None:
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as out:
                np.savez(out, *arrays)
            os.replace(name, file)
        except OSError:
            os.unlink(name)
            raise


@cache
def _version() -> str:
    """Hash of the code of this package and the versions of what it computes with."""
    digest = hashlib.blake2b(f"{np.__version__} {scipy.__version__} {platform.machine()}".encode(), digest_size=8)
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()
