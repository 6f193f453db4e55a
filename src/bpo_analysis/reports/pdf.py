"""Pages to PDF, through a Chromium that is installed on this machine. Nothing is downloaded, and nothing is asked.

Every page is printed by a browser process of its own: one that fails or hangs costs that PDF and nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from bpo_analysis.errors import ReportError

__all__ = ["CHROMIUM_VARIABLE", "Paper", "PdfError", "Printer", "find_printer"]

Paper = Literal["A4", "letter"]
CHROMIUM_VARIABLE: Final = "BPO_CHROMIUM"
_NAMES: Final = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge",
    "microsoft-edge-stable", "msedge", "brave-browser",
)  # fmt: skip
_APPLICATIONS: Final = ("Chromium", "Google Chrome", "Microsoft Edge", "Brave Browser")
_ON_WINDOWS: Final = ("Google/Chrome/Application/chrome.exe", "Microsoft/Edge/Application/msedge.exe")
_OPTIONS: Final = (
    "--headless", "--disable-gpu", "--disable-dev-shm-usage", "--disable-extensions", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run", "--no-default-browser-check",
    "--host-resolver-rules=MAP * ~NOTFOUND", "--no-pdf-header-footer", "--generate-pdf-document-outline",
)  # fmt: skip
_PATIENCE_S: Final = 120.0
_LINK_AWAY: Final = re.compile(r'(<a\b[^>]*?) href="(?!#|https?:|mailto:)[^"]*"')
_NOT_PRINTED: Final = re.compile("<!--periods-->.*?<!--/periods-->|<script>.*?</script>", re.DOTALL)
_PART: Final = re.compile(rb"\(node(\d{8})\)")
_DATES: Final = re.compile(rb"/(?:CreationDate|ModDate) \(D:[^)]*\)")
_LAST_WORDS: Final = 300


class PdfError(ReportError):
    """A page could not be printed; the page itself is complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Printer:
    """A browser that prints, and on which paper.

    Parameters
    ----------
    command : tuple of str
        The program, and options of the user's own.
    paper : {"A4", "letter"}
        Size of the sheets.
    patience : float
        Seconds after which a print counts as hanging.
    """

    command: tuple[str, ...]
    paper: Paper = "A4"
    patience: float = _PATIENCE_S

    def mark(self, page: bytes) -> str:
        """Return the line that ends the PDF of a page, and tells whether a PDF is still that of its page.

        Parameters
        ----------
        page : bytes
            The HTML file. What is not printed (links to other files, such as the page of the next period, once it is
            there) makes no difference.
        """
        return f"% bpo_analysis {hashlib.blake2b(self._sheets(page), digest_size=12).hexdigest()}"

    def print_page(self, page: bytes) -> bytes:
        """Return the PDF of a page.

        Parameters
        ----------
        page : bytes
            The HTML file.

        Returns
        -------
        bytes
            A PDF without dates: the same page and the same Chromium give the same file. It ends in ``mark(page)``.

        Raises
        ------
        PdfError
            If Chromium fails, hangs or writes no PDF.
        """
        # Snap packages of Chromium see no hidden folder and no /tmp of ours, but the folder that they run in.
        with tempfile.TemporaryDirectory(prefix="bpo-pdf-") as folder:
            source, target = Path(folder, "page.html"), Path(folder, "page.pdf")
            source.write_bytes(self._sheets(page))
            said = self._run(source, target, Path(folder, "profile"))
            made = target.read_bytes() if target.is_file() else b""
        if not made.startswith(b"%PDF"):
            raise PdfError(f"{self.command[0]} wrote no PDF.{_last_words(said)}")
        return _settled(made) + f"\n{self.mark(page)}\n".encode()

    def _sheets(self, page: bytes) -> bytes:
        """The page as it is printed: on this paper, without links to files, which would name folders of here.

        Without its script too, which paper does not need, and with nothing to see on a screen: Chromium numbers the
        parts of a PDF in the order in which it came across them, and what it draws before it prints depends on its
        pace.
        """
        size = f"@page{{size:{self.paper}}}@page index{{size:{self.paper} landscape}}"
        style = f"<style>{size}@media screen{{body{{display:none}}}}</style></head>"
        text = _NOT_PRINTED.sub("", page.decode("utf-8").replace("</head>", style, 1))
        return _LINK_AWAY.sub(r"\1", text).encode()

    def _run(self, source: Path, target: Path, profile: Path) -> str:
        options = [*_OPTIONS, f"--user-data-dir={profile}", f"--print-to-pdf={target}"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            options.append("--no-sandbox")  # as root Chromium has none, and refuses to start
        try:
            process = subprocess.Popen(
                [*self.command, *options, source.as_uri()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise PdfError(f"{self.command[0]} could not be started: {error.strerror or error}.") from error
        try:
            _, told = process.communicate(timeout=self.patience)
        except subprocess.TimeoutExpired:
            raise PdfError(f"{self.command[0]} was stopped at the time limit of {self.patience:g} s.") from None
        finally:
            _end(process)
        said = told.decode("utf-8", errors="replace")
        if process.returncode:
            raise PdfError(f"{self.command[0]} ended with exit code {process.returncode}.{_last_words(said)}")
        return said


def find_printer(paper: Paper = "A4", *, patience: float = _PATIENCE_S) -> Printer:
    """Find an installed Chromium, or a browser made from it.

    Parameters
    ----------
    paper : {"A4", "letter"}
        Size of the sheets.
    patience : float, default 120
        Seconds that one page may take.

    Returns
    -------
    Printer
        That of the variable ``BPO_CHROMIUM`` if it is set (a program, with options if need be), or the first that is
        found.

    Raises
    ------
    ReportError
        If there is none.
    """
    named = os.environ.get(CHROMIUM_VARIABLE, "").strip()
    if named:
        return Printer(command=_named(named), paper=paper, patience=patience)
    found = next(filter(None, map(shutil.which, [*_NAMES, *_installed()])), None)
    if found is None:
        raise ReportError(
            f"PDF needs an installed Chromium, Chrome or Edge; looked for {', '.join(_NAMES[:4])} and others. "
            f"Install one (Debian: apt install chromium) or name its program in {CHROMIUM_VARIABLE}; pages can also be "
            "printed from any browser."
        )
    return Printer(command=(found,), paper=paper, patience=patience)


def _named(text: str) -> tuple[str, ...]:
    # A path may hold spaces: only what is no program as a whole is taken apart.
    words = [text] if shutil.which(text) else shlex.split(text, posix=os.name != "nt")
    program = shutil.which(words[0]) if words else None
    if program is None:
        raise ReportError(
            f"{CHROMIUM_VARIABLE} names {text!r}, which is no program on this machine. Name the one that starts "
            "Chromium, Chrome or Edge."
        )
    return program, *words[1:]


def _installed() -> list[str]:
    """Where browsers are that are on no search path."""
    if sys.platform == "darwin":
        folders = [Path("/Applications"), Path.home() / "Applications"]
        return [str(at / f"{name}.app/Contents/MacOS/{name}") for name in _APPLICATIONS for at in folders]
    roots = [os.environ.get(name) for name in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")]
    return [str(Path(root, name)) for root in roots if root for name in _ON_WINDOWS]


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a browser and what it started."""
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=5)


def _last_words(said: str) -> str:
    """What Chromium gave as its reason, without its complaints about a desktop that is not there."""
    lines = [line.strip() for line in said.splitlines() if line.strip() and "dbus" not in line.lower()]
    told = " ".join(lines)[-_LAST_WORDS:]
    if "sandbox" in told.lower():
        told += f" (A container without a sandbox of its own needs {CHROMIUM_VARIABLE}='chromium --no-sandbox'.)"
    return f" Last words: {told}" if told else ""


def _settled(pdf: bytes) -> bytes:
    """Take out what differs from print to print; as many bytes as before, for a PDF counts them.

    These are dates, and the numbers of parts for screen readers: Chromium's own differ by what else it did meanwhile,
    and are exchanged for their ranks, which keeps them in order.
    """
    ranks = {number: rank for rank, number in enumerate(sorted(set(_PART.findall(pdf))), 1)}
    numbered = _PART.sub(lambda part: b"(node%08d)" % ranks[part[1]], pdf)
    return _DATES.sub(lambda date: b" " * len(date[0]), numbered)
