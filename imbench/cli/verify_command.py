"""``imbench verify``: name what is damaged in a results folder, and set it aside."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from imbench.components.visible import say, visible
from imbench.errors import ConfigError

if TYPE_CHECKING:
    from imbench.results.damaged import Finding


def command(words: list[str]) -> int:
    """Check every stored file of a results folder, and of the cache of data sets.

    Returns
    -------
    int
        1 if a file is damaged, else 0.

    Raises
    ------
    ConfigError
        If the folder does not exist.
    """
    arguments = _parser().parse_args(words)
    results = arguments.results
    if not results.is_dir():
        raise ConfigError(
            f"verify {results}: there is no such folder; give a results folder, such as results."
        )
    if results.name == "runs" and not (results / "runs").is_dir():
        results = results.parent
    found = list(_findings(results))
    for finding in found:
        print(visible(f"damaged: {finding.path} ({finding.why.rstrip('.')})"), flush=True)
        if arguments.repair and finding.path.exists():
            _repair(finding)
    models = list(_models(results))
    for sentence in models:
        say(f"damaged: {sentence}")
    if not found and not models:
        print(f"{results}: every stored file is sound.")
        return 0
    n = len(found) + len(models)
    print(f"{results}: {n} damaged; {_advice(arguments.repair, bool(found))}")
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="imbench verify",
        allow_abbrev=False,
        description="Check the stored files of a results folder, and the cache of data sets.",
    )
    default = Path(os.environ.get("IMBENCH_RESULTS", "results"))
    parser.add_argument(
        "results", nargs="?", type=Path, default=default, help=f"default: {default}"
    )
    parser.add_argument(
        "--repair",
        action="store_true",
        help="rename damaged files to *.damaged, so that the same command makes them again",
    )
    parser.add_argument("--traceback", action="store_true")
    return parser


def _findings(results: Path) -> Iterator[Finding]:
    """Yield the damaged files that can be made again: of runs, tuning, frames and the cache."""
    from imbench.api.frames import is_whole
    from imbench.data import cache
    from imbench.results.damaged import Finding, damaged_files
    from imbench.run.journals import damaged_journals

    yield from damaged_files(results / "runs")
    yield from damaged_journals(results)
    for path in sorted((results / "frames").glob("*.parquet")):
        if not is_whole(path):
            yield Finding(path, "fails its checksum")
    for path, why in cache.damaged_files():
        yield Finding(path, why)


def _repair(finding: Finding) -> None:
    """Set a file aside; of a journal the records before the damage are kept."""
    if finding.path.suffix == ".log":
        from imbench.run.journals import mend_journal

        mend_journal(finding.path)
        return
    from imbench.components.damage import set_aside

    set_aside(finding.path, finding.why, beside=finding.beside)


def _models(results: Path) -> Iterator[str]:
    """Yield a sentence for each saved model below the folder of which a file was changed."""
    from imbench.api.serving.loading import MANIFEST, check_files
    from imbench.errors import ImbenchError

    for manifest in sorted(results.rglob(MANIFEST)):
        try:
            check_files(manifest.parent)
        except ImbenchError as error:
            yield str(error)


def _advice(is_repaired: bool, any_files: bool) -> str:
    if not any_files:
        return "save the models again."
    if is_repaired:
        return "what could be set aside was, and the same command as before makes it again."
    return "add --repair to set it aside, and the same command as before makes it again."
