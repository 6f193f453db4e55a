"""Where files are made before they are put in place, so that a reader never meets half of one."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import IO, Final

from bpo_analysis.errors import ReportError

try:
    import fcntl
except ImportError:  # Windows: nothing is locked there
    fcntl = None  # type: ignore[assignment]

__all__ = ["check_output_folder", "exclusive", "staging", "undisturbed", "write_atomically"]

_STAGING: Final = ".staging-"
_LOCK: Final = ".lock"
_BYTES_PER_REPORT: Final = 2_000_000
_A_DAY_S: Final = 86_400


def check_output_folder(out: Path, reports: int) -> None:
    """Make sure that the outputs can be written, before anything runs.

    Parameters
    ----------
    out : Path
        Folder for the outputs; it is made if it does not exist.
    reports : int
        Number of reports to come.

    Raises
    ------
    ReportError
        If the folder cannot be made or written to, or the disk is nearly full.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=out, prefix=_STAGING):
            pass
        free = shutil.disk_usage(out).free
    except OSError as error:
        reason = error.strerror or str(error)
        raise ReportError(
            f"Cannot write to the output folder {str(out)!r}: {reason}. Choose another with --out."
        ) from error
    needed = _BYTES_PER_REPORT * reports
    if free < needed:
        raise ReportError(
            f"The disk of {str(out)!r} has {free / 1e6:.0f} MB left; {reports} reports need about "
            f"{needed / 1e6:.0f} MB. Free some space or choose another folder with --out."
        )


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file that is either the old one or the new one, never half of either.

    Parameters
    ----------
    path : Path
        The file; its folder must exist.
    content : str or bytes
        Its new content.
    """
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=_STAGING, delete=False) as file:
        made = Path(file.name)
    try:
        made.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        # A temporary file is for its owner only; a page is for everybody who may read the folder.
        made.chmod(0o666 & ~_umask())
        os.replace(made, path)
    finally:
        made.unlink(missing_ok=True)


@contextlib.contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Keep other runs from exchanging files of a folder for the moment in which this one does.

    The lock ends with the process, however it ends, and leaves no file. Where the file system knows no locks, two runs
    may mix their files; the digests in the record show it, and the next run makes that report again.
    """
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def staging(parent: Path) -> Iterator[Path]:
    """Give a folder on the same disk as the outputs, and clear away those of runs that were killed.

    Parameters
    ----------
    parent : Path
        Folder of the outputs; it is made if it does not exist.

    Yields
    ------
    Path
        A new folder, removed on leaving.
    """
    parent.mkdir(parents=True, exist_ok=True)
    _clear(parent)
    folder = Path(tempfile.mkdtemp(prefix=_STAGING, dir=parent))
    # Held as long as this process lives: that is how another run, on whichever machine, knows that it does.
    lock = (folder / _LOCK).open("w")
    try:
        _lock_now(lock)
        yield folder
    finally:
        lock.close()
        shutil.rmtree(folder, ignore_errors=True)


def _clear(parent: Path) -> None:
    """Remove what runs that ended without a word left behind."""
    for old in parent.glob(f"{_STAGING}*"):
        with contextlib.suppress(OSError):
            if old.is_dir() and (old / _LOCK).is_file() and fcntl is not None:
                with (old / _LOCK).open("a") as lock:
                    # Locked by a run that lives; or made a moment ago by one that has not come to lock it yet.
                    if _age_s(old / _LOCK) > 1 and _lock_now(lock):
                        shutil.rmtree(old, ignore_errors=True)
            elif _age_s(old) > _A_DAY_S:
                shutil.rmtree(old) if old.is_dir() else old.unlink()


def _lock_now(file: IO[str]) -> bool:
    """Lock a file unless somebody else has."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _age_s(path: Path) -> float:
    return time.time() - path.stat().st_mtime


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Hold back Ctrl-C for the few renames that must happen together.

    Raises
    ------
    KeyboardInterrupt
        On leaving, if Ctrl-C was pressed inside.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed: list[int] = []

    def remember(number: int, _frame: FrameType | None) -> None:
        pressed.append(number)

    before = signal.signal(signal.SIGINT, remember)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise KeyboardInterrupt


def _umask() -> int:
    mask = os.umask(0o022)  # there is no way to read it without setting it
    os.umask(mask)
    return mask
