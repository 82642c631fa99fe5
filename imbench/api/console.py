"""Where tables and progress go."""

from __future__ import annotations

import sys

from rich.console import Console

PIPED_WIDTH = 160  # without a terminal rich assumes 80 columns and wraps what nobody reads there


def console(stderr: bool = False) -> Console:
    """Return a console for standard output, or standard error for what is not the result."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(
        file=stream,
        width=None if stream.isatty() else PIPED_WIDTH,
        highlight=False,
        soft_wrap=False,
    )
