"""A papermill engine that executes a notebook inside the running process.

An ordinary kernel costs a second process, five sockets and about two seconds a report. Here the cells run in an IPython
shell of this process, and stdout, stderr, displays, results and errors become the same nbformat outputs, in order. The
process should be a fresh one: what a notebook changes in it stays changed.
"""

# IPython and nbformat are typed in part only.
# mypy: allow-untyped-calls

from __future__ import annotations

import atexit
import base64
import contextlib
import datetime as dt
import io
import json
import math
import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any, Final

import nbformat
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.profiledir import ProfileDir
from nbformat import NotebookNode
from papermill.engines import Engine, NotebookExecutionManager
from papermill.exceptions import PapermillException
from papermill.iorw import papermill_io
from traitlets import Type
from traitlets.config import Config

__all__ = ["InProcessEngine"]

_INLINE: Final = "module://matplotlib_inline.backend_inline"


class InProcessEngine(Engine):  # type: ignore[misc]
    """Executes code cells in this process; registered with papermill as ``bpo``."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: NotebookExecutionManager, kernel_name: str, **kwargs: Any) -> None:
        """Execute every code cell until the first one that raises.

        Parameters
        ----------
        nb_man : NotebookExecutionManager
            papermill's record of the run; its notebook gets the outputs.
        kernel_name : str
            Ignored; the running Python is used.
        **kwargs
            Ignored. Time limits belong to whoever started the process, which alone can end a cell that hangs.

        Raises
        ------
        PapermillException
            If an IPython shell is already running in this process.
        """
        if InteractiveShell.initialized():
            raise PapermillException("The 'bpo' engine needs a process without a running IPython shell.")
        nb_man.nb.metadata["language_info"] = _language_info()
        # papermill would write the whole notebook, for reading, before and after every cell; at the end it does anyway.
        half_run, nb_man.output_path = _HalfRun(nb_man.nb, nb_man.output_path), None
        with _shell() as shell:
            for index, cell in enumerate(nb_man.nb.cells):
                nb_man.cell_start(cell, index)
                half_run.write(index)
                failed = cell.cell_type == "code" and not _execute(shell, cell)
                if failed:
                    nb_man.cell_exception(cell, cell_index=index)
                nb_man.cell_complete(cell, cell_index=index)
                if failed:
                    break

    @classmethod
    def nb_kernel_name(cls, nb: NotebookNode, name: str | None = None) -> str:
        """Return a kernel name also for a notebook that names none.

        Parameters
        ----------
        nb : NotebookNode
            The notebook.
        name : str, optional
            The name asked for.

        Returns
        -------
        str
            It only tells papermill how to write the parameters.
        """
        return name or str(nb.metadata.get("kernelspec", {}).get("name", "python3"))

    @classmethod
    def nb_language(cls, nb: NotebookNode, language: str | None = None) -> str:
        """Return the only language there is.

        Parameters
        ----------
        nb : NotebookNode
            The notebook.
        language : str, optional
            The language asked for.

        Returns
        -------
        str
            Always ``"python"``.
        """
        return "python"


class _HalfRun:
    """The notebook on disk as far as it has run, for whoever asks after a cell that never ended.

    Written before each cell in one line, and each cell taken apart once: papermill's own writing, indented, is done by
    Python and not by C, and took an eighth of a report. (A display that a later cell updates stays as it was until the
    notebook is written at the end.)
    """

    def __init__(self, notebook: NotebookNode, path: str | None) -> None:
        self._notebook, self._path = notebook, path
        self._over: list[str] = []

    def write(self, running: int) -> None:
        """Write it, with the cell of this number about to run."""
        if self._path is None:
            return
        cells = self._notebook.cells
        self._over += [json.dumps(cell, ensure_ascii=False) for cell in cells[len(self._over) : running]]
        rest = [json.dumps(cell, ensure_ascii=False) for cell in cells[running:]]
        others = json.dumps({name: value for name, value in self._notebook.items() if name != "cells"})
        papermill_io.write(f'{{"cells": [{", ".join([*self._over, *rest])}], {others[1:]}', self._path)


class _Outputs:
    """The outputs of the running cell, in the order they came."""

    def __init__(self) -> None:
        self.cell: list[NotebookNode] = []
        self.by_display_id: dict[str, list[NotebookNode]] = {}
        self._clear_before_next = False

    def add(self, kind: str, **content: Any) -> NotebookNode:
        if self._clear_before_next:
            self.cell.clear()
            self._clear_before_next = False
        # Not by new_output, which checks every output against the schema: the notebook is checked when it is written.
        output: NotebookNode = nbformat.from_dict({"output_type": kind, **content})
        self.cell.append(output)
        return output

    def write(self, stream: str, text: str) -> None:
        last = self.cell[-1] if self.cell and not self._clear_before_next else None
        if last is not None and last.output_type == "stream" and last.name == stream:
            last.text += text
        else:
            self.add("stream", name=stream, text=text)

    def clear(self, *, wait: bool) -> None:
        if wait:
            self._clear_before_next = True
        else:
            self.cell.clear()


class _Stream(io.TextIOBase):
    """Stands in for stdout or stderr and writes into the outputs."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, outputs: _Outputs, name: str) -> None:
        self._outputs, self.name = outputs, f"<{name}>"
        self._stream = name

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if text:
            self._outputs.write(self._stream, text)
        return len(text)


class _Publisher(DisplayPublisher):
    """Turns ``display(...)`` into outputs."""

    shell: _Shell

    def publish(  # type: ignore[override]
        self,
        data: Mapping[str, Any],
        metadata: Mapping[str, Any] | None = None,
        *,
        transient: Mapping[str, Any] | None = None,
        update: bool = False,
        **kwargs: Any,
    ) -> None:
        outputs = self.shell.outputs
        content = {"data": _plain(data), "metadata": _plain(metadata or {})}
        display_id = str((transient or {}).get("display_id", ""))
        if update:
            for shown in outputs.by_display_id.get(display_id, []):
                shown.update(nbformat.from_dict(content))
            return
        output = outputs.add("display_data", **content)
        if display_id:
            outputs.by_display_id.setdefault(display_id, []).append(output)

    def clear_output(self, wait: bool = False) -> None:  # noqa: FBT001, FBT002 - IPython calls it this way
        self.shell.outputs.clear(wait=wait)


class _Hook(DisplayHook):
    """Turns the value of a cell's last expression into an output."""

    def write_output_prompt(self) -> None:
        """Print nothing: the number of the result goes into the output."""

    def write_format_data(self, format_dict: Mapping[str, Any], md_dict: Mapping[str, Any] | None = None) -> None:
        shell: Any = self.shell
        shell.outputs.add(
            "execute_result",
            data=_plain(format_dict),
            metadata=_plain(md_dict or {}),
            execution_count=self.prompt_count,
        )

    def finish_displayhook(self) -> None:
        self._is_active = False


class _Shell(InteractiveShell):
    """An IPython shell without a terminal, a history file or a user's profile."""

    display_pub_class = Type(_Publisher)
    displayhook_class = Type(_Hook)

    def __init__(self, **kwargs: Any) -> None:
        self.outputs = _Outputs()
        super().__init__(**kwargs)

    def enable_gui(self, gui: str | None = None) -> None:
        """Do nothing: there is no event loop, and ``%matplotlib inline`` asks for none."""

    def _showtraceback(self, etype: type[BaseException], evalue: BaseException, stb: list[str]) -> None:
        self.outputs.add("error", ename=str(etype.__name__), evalue=str(evalue), traceback=list(stb))


def _execute(shell: _Shell, cell: NotebookNode) -> bool:
    """Run one code cell, fill in its outputs, and say whether it went through."""
    tags = cell.metadata.get("tags", [])
    if not cell.source.strip() or "skip-execution" in tags:
        return True
    # The same list object all along, so that a later update of a display reaches the cell that showed it.
    shell.outputs.cell = cell.outputs = []
    cell.execution_count = shell.execution_count
    with contextlib.redirect_stdout(_Stream(shell.outputs, "stdout")):  # noqa: SIM117 - one line each reads better
        with contextlib.redirect_stderr(_Stream(shell.outputs, "stderr")):
            shell.run_cell(cell.source, store_history=True, cell_id=cell.get("id"))
    raised = any(output.output_type == "error" for output in cell.outputs)
    return not raised or "raises-exception" in tags


@contextlib.contextmanager
def _shell() -> Iterator[_Shell]:
    """Give a shell, and leave the process afterwards as it was found."""
    # The shell puts its own namespace in place of __main__ and replaces these hooks; multiprocessing in this process
    # would look for its functions in the wrong module.
    main, hooks = sys.modules["__main__"], (sys.displayhook, sys.excepthook)
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.enable_tip = False
    with tempfile.TemporaryDirectory(prefix="bpo-profile-") as folder:
        profile = ProfileDir.create_profile_dir(os.path.join(folder, "profile"))
        shell = _Shell.instance(config=config, profile_dir=profile, ipython_dir=folder)
        try:
            _draw_inline(shell)
            yield shell
        finally:
            atexit.unregister(shell.atexit_operations)
            shell.atexit_operations()
            _Shell.clear_instance()
            sys.modules["__main__"] = main
            sys.displayhook, sys.excepthook = hooks


def _draw_inline(shell: _Shell) -> None:
    """Send matplotlib's figures to the outputs, as an ordinary kernel does."""
    os.environ["MPLBACKEND"] = _INLINE
    if "matplotlib" not in sys.modules:
        return
    from IPython.core.pylabtools import select_figure_formats
    from matplotlib_inline.config import InlineBackend

    # Imported before the shell existed, matplotlib has already decided on another backend, and figures would be lost
    # without a word.
    shell.enable_matplotlib("inline")
    # The inline backend registers its formats for the first shell of a process only.
    select_figure_formats(shell, InlineBackend.instance().figure_formats)


def _plain(value: Any) -> Any:
    """Return the value as JSON can hold it."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if hasattr(value, "item"):  # numpy scalars
        return _plain(value.item())
    if isinstance(value, float):  # JSON knows no NaN, and a notebook that holds one cannot be opened in JupyterLab
        return value if math.isfinite(value) else None
    return value if isinstance(value, int) else str(value)


def _language_info() -> NotebookNode:
    return NotebookNode(
        name="python",
        version=platform.python_version(),
        mimetype="text/x-python",
        file_extension=".py",
        pygments_lexer="ipython3",
        nbconvert_exporter="python",
        codemirror_mode=NotebookNode(name="ipython", version=3),
    )
