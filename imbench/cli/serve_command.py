"""``imbench serve MODEL --port N``: a saved model over HTTP, on this machine alone."""

from __future__ import annotations

import argparse
from pathlib import Path

PORT = 5001


def command(words: list[str]) -> int:
    """Answer requests until Ctrl-C.

    Raises
    ------
    ImbenchError
        If the folder holds no saved model, or one that was changed, or the port is taken.
    """
    from imbench.api.serving.loading import load
    from imbench.api.serving.server import bound, serve

    arguments = _parser().parse_args(words)
    model = load(arguments.model)
    listener = bound(arguments.port)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    print(f"{arguments.model} answers at {address}/invocations; Ctrl-C ends it.", flush=True)
    serve(model, listener)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="imbench serve", allow_abbrev=False)
    parser.add_argument("model", metavar="MODEL", type=Path, help="folder of a saved model")
    parser.add_argument(
        "--port", type=int, default=PORT, help=f"0 takes a free one; default {PORT}"
    )
    parser.add_argument("--traceback", action="store_true")
    return parser
