"""Where files are made before they are put in place, so that a reader never meets half of one."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Final

from bpo_analysis.errors import ReportError

__all__ = ["check_output_folder", "staging", "undisturbed", "write_atomically"]

_STAGING: Final = ".staging-"
_BYTES_PER_REPORT: Final = 2_000_000


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


def write_atomically(path: Path, text: str) -> None:
    """Write a text file that is either the old one or the new one, never half of either.

    Parameters
    ----------
    path : Path
        The file; its folder must exist.
    text : str
        Its new content.
    """
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=_STAGING, delete=False) as file:
        made = Path(file.name)
    try:
        made.write_text(text, encoding="utf-8")
        # A temporary file is for its owner only; a page is for everybody who may read the folder.
        made.chmod(0o666 & ~_umask())
        os.replace(made, path)
    finally:
        made.unlink(missing_ok=True)


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
    host = "".join(char for char in socket.gethostname() if char.isalnum())
    for old in parent.glob(f"{_STAGING}{host}-*"):
        pid = old.name.split("-")[2]
        if pid.isdigit() and not _is_alive(int(pid)):
            shutil.rmtree(old, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{_STAGING}{host}-{os.getpid()}-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    if os.name == "nt":  # os.kill would end the process instead of asking for it
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


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
