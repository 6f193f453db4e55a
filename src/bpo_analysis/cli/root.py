"""The ``bpo`` command itself: what every subcommand hangs from, and how it ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Final

import click

import bpo_analysis
from bpo_analysis.cli.printing import printable
from bpo_analysis.errors import BpoAnalysisError, ParameterError

__all__ = ["cli", "main"]

_INTERRUPTED: Final = 130


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    args : sequence of str, optional
        Arguments; by default those of the process.

    Returns
    -------
    int
        0 if all went well, 1 if a report or the data failed, 2 for wrong usage, 130 after Ctrl-C.
    """
    try:
        code = cli.main(args=None if args is None else list(args), prog_name="bpo", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        told = (
            "Interrupted. Finished reports are complete; nothing half-written is left. The next run makes the others."
        )
        click.echo(told, err=True)
        return _INTERRUPTED
    except BpoAnalysisError as error:
        click.echo(f"Error: {printable(str(error))}", err=True)
        return 2 if isinstance(error, ParameterError) else 1
    except BrokenPipeError:  # "bpo kpis | head" closed the pipe; there is nobody left to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:  # a disk that filled up or went away between two reports
        click.echo(f"Error: {error}", err=True)
        return 1
    return code if isinstance(code, int) else 0


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(bpo_analysis.__version__, prog_name="bpo")
def cli() -> None:
    """Turn a client's exports into every partner's review."""
