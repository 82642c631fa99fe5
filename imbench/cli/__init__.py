"""The command line. ``main`` finds the command and turns errors into one sentence each."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

from imbench.cli.signals import stop_on_sigterm
from imbench.cli.streams import give_up_output, problem_of_output, ready_streams
from imbench.components.startup import quick_imports
from imbench.components.visible import visible
from imbench.errors import CannotWrite, ConfigError, ImbenchError

OWN_HELP = (
    "list", "report", "audit", "check", "recommend", "fit", "predict", "serve", "drift", "sync",
    "ui", "plan", "work", "status", "verify", "doctor", "completion", "docs",
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
    with ready_streams():
        try:
            code = _run(words)
            sys.stdout.flush()
            return code
        except ImbenchError as error:
            if "--traceback" in words:
                raise
            for line in str(error).splitlines():
                print(f"imbench: {visible(line)}", file=sys.stderr)
            return 3 if isinstance(error, CannotWrite) else 2
        except KeyboardInterrupt:
            print("imbench: interrupted.", file=sys.stderr)
            return 130
        except OSError as error:
            problem = problem_of_output()
            if problem is None and not isinstance(error, BrokenPipeError):
                raise
            give_up_output()
            if isinstance(problem or error, BrokenPipeError):
                return 0  # the reader of our output (head, less) has gone
            print(
                f"imbench: standard output cannot be written ({(problem or error).strerror}): "
                "finished folds are stored, make room and run the same command again.",
                file=sys.stderr,
            )
            return 3


def _run(words: list[str]) -> int:
    """Find the command and run it.

    Raises
    ------
    ConfigError
        If the working directory was removed; and whatever the command raises.
    """
    try:
        here = os.getcwd()
    except OSError as error:
        raise ConfigError(
            "the working directory does not exist any more: change into another one with cd."
        ) from error
    # `python -m` puts the working directory on the path, a console script does not: components
    # of the user's own are found by both.
    if here not in sys.path:
        sys.path.append(here)
    with quick_imports():
        command, rest = _command(words)
    with stop_on_sigterm():
        return command(rest)


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
    elif name == "docs":
        from imbench.cli.docs_command import command
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
    elif name == "doctor":
        from imbench.cli.doctor_command import command
    elif name == "completion":
        from imbench.cli.completion import command
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
