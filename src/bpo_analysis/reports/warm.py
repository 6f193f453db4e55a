"""Imported once by the process that reports are forked from, so that no report waits for imports.

Imports and one small drawing, nothing else: no thread, no event loop, no ZMQ context and no database connection may be
alive here, since none of them survives a fork (the one thread there is belongs to Arrow's allocator, which restarts it
by itself). matplotlib's backend stays undecided; were it decided here, the figures of every report would be lost
without a word.
"""

# nbformat is typed in part only.
# mypy: allow-untyped-calls

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import io
from typing import Final

_HEAVY: Final = (
    "papermill",
    "IPython.core.interactiveshell",
    # What a shell and the first tables import when they are first used.
    "IPython.core.completerlib",
    "IPython.core.crashhandler",
    "IPython.core.logger",
    "IPython.core.magics.execution",
    "matplotlib_inline.config",
    "pandas",
    "pandas.core.methods.to_dict",
    "pandas.core.reshape.reshape",
    "pyarrow.dataset",
    "pyarrow.pandas_compat",
    "scipy.stats",
    "matplotlib.figure",
    "matplotlib.backends.backend_svg",
    "matplotlib.pyplot",
    "ibis",
    "duckdb",
    "bpo_analysis.cli",
    "bpo_analysis.reports.engine",
    "bpo_analysis.reports.child",
    "bpo_analysis.sections",
)


def _warm() -> None:
    for name in _HEAVY:
        with contextlib.suppress(ImportError):  # the report that needs it will say so
            importlib.import_module(name)
    import nbformat
    from matplotlib.figure import Figure

    from bpo_analysis.reports.inputs import code_digest, library_digest
    from bpo_analysis.reports.record import versions
    from bpo_analysis.reports.render import render_report

    # The same for every report of a run.
    versions()
    library_digest()
    code_digest()
    # Finding the fonts and compiling the page are slow the first time only.
    figure = Figure()
    figure.subplots().set_title("warm")
    figure.savefig(io.StringIO(), format="svg")
    render_report(nbformat.v4.new_notebook())
    # What exists now is never garbage; frozen, it stays shared between the children.
    gc.collect()
    gc.freeze()
    # Otherwise DuckDB's binding finds its objects alive at the end of this process and complains about leaks.
    atexit.register(gc.unfreeze)


_warm()
