"""``imbench docs``: open the site of docs/ in the browser."""

from __future__ import annotations

import argparse
import webbrowser
from pathlib import Path

from imbench.components.visible import say
from imbench.errors import ConfigError

SITE = Path(__file__).parents[2] / "docs" / "_build" / "html"


def command(words: list[str]) -> int:
    """Print where the site is, and open it.

    Raises
    ------
    ConfigError
        If it has not been built.
    """
    parser = argparse.ArgumentParser(prog="imbench docs", allow_abbrev=False)
    parser.add_argument("--no-browser", action="store_true", help="print the path alone")
    parser.add_argument("--traceback", action="store_true")
    arguments = parser.parse_args(words)
    page = SITE / "index.html"
    if not page.is_file():
        raise ConfigError(
            f"docs: {page} is not there: bash scripts/docs.sh, run in the folder of the "
            "repository, builds the site."
        )
    say(str(page))
    if not arguments.no_browser:
        webbrowser.open(page.as_uri())
    return 0
