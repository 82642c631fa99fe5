"""The command line. ``main`` finds the command and turns errors into one sentence each."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

from imbench.cli.signals import stop_on_sigterm
from imbench.components.startup import quick_imports
from imbench.errors import CannotWrite, ImbenchError

OWN_HELP = (
    "list", "report", "audit", "check", "recommend", "fit", "predict", "serve", "drift", "sync",
    "ui", "plan", "work", "status", "verify",
)  # fmt: skip

Command = Callable[[list[str]], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    Parameters
    ----------
    argv : sequence of str or None
        Words after the program's name; None takes them from the process.

    Returns
    -------
    int
        0 all is well; 1 a cell failed, every cell was skipped, or `audit` or `check` found a
        leak, or `verify` damage; 2 the command or its configuration is wrong and nothing ran; 3 it
        ended in the middle, and what was finished is stored; 130 interrupted.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    # `python -m` puts the working directory on the path, a console script does not: components
    # of the user's own are found by both.
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    with quick_imports():
        command, rest = _command(words)
    try:
        with stop_on_sigterm():
            return command(rest)
    except ImbenchError as error:
        if "--traceback" in words:
            raise
        for line in str(error).splitlines():
            print(f"imbench: {line}", file=sys.stderr)
        return 3 if isinstance(error, CannotWrite) else 2
    except BrokenPipeError:  # the reader of our output (head, less) has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("imbench: interrupted.", file=sys.stderr)
        return 130


def _command(words: list[str]) -> tuple[Command, list[str]]:
    """Return the command that the first word names; `run` is meant where none is named."""
    name = words[0] if words else ""
    asks = {"-h", "--help"} & set(words) and name not in OWN_HELP
    if asks or name == "help":
        from imbench.cli.help import command
    elif name == "list":
        from imbench.cli.list_command import command
    elif name == "report":
        from imbench.cli.report_command import command
    elif name == "audit":
        from imbench.cli.audit_command import command
    elif name == "check":
        from imbench.cli.check_command import command
    elif name == "fit":
        from imbench.cli.fit_command import command
    elif name == "recommend":
        from imbench.cli.recommend_command import command
    elif name == "sync":
        from imbench.cli.sync_command import command
    elif name == "ui":
        from imbench.cli.ui_command import command
    elif name == "plan":
        from imbench.cli.plan_command import command
    elif name == "work":
        from imbench.cli.work_command import command
    elif name == "status":
        from imbench.cli.status_command import command
    elif name == "verify":
        from imbench.cli.verify_command import command
    elif name == "predict":
        from imbench.cli.predict_command import command
    elif name == "serve":
        from imbench.cli.serve_command import command
    elif name == "drift":
        from imbench.cli.drift_command import command
    else:
        from imbench.cli.run_command import command

        return command, words[1:] if name == "run" else words
    return command, words[1:]


__all__ = ["main"]
