"""List the yaml files of a configuration group, shipped ones and the user's.

There is no registry. A file in ``conf/strategy/`` is a strategy, described by its key ``about``.
Files without that key are described by their first comment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from imbench.errors import ConfigError
from imbench.strategies import STAGES

GROUPS = {
    "strategies": "strategy",
    "datasets": "dataset",
    "models": "model",
    "splits": "splits",
    "experiments": "experiment",
}


@dataclass(frozen=True)
class Item:
    """One yaml file of a configuration group.

    Parameters
    ----------
    name : str
        What the user types: the name of the file.
    path : Path
    summary : str
        Key ``about.summary``, or else the first comment of the file.
    paper : str
    stages : tuple of str
        Stages that a strategy fills; () for other groups.
    entries : tuple of (stage, entry name)
    """

    name: str
    path: Path
    summary: str
    paper: str
    stages: tuple[str, ...]
    entries: tuple[tuple[str, str], ...]


def conf_dir() -> Path:
    """Return the folder of the shipped configuration: inside the wheel, or beside the package."""
    package = Path(__file__).parents[1]
    inside = package / "conf"
    return inside if inside.is_dir() else package.parent / "conf"


def items(group: str, folders: Sequence[Path]) -> list[Item]:
    """Return the items of a group in the folders, by name; the first folder wins.

    Parameters
    ----------
    group : str
        Folder of the group, such as ``strategy``.
    folders : sequence of Path
        Configuration folders, the shipped one first.

    Examples
    --------
    >>> [item.name for item in items("splits", [conf_dir()])]
    ['group', 'group_time', 'holdout', 'kfold', 'official', 'time']
    """
    found: dict[str, Item] = {}
    for folder in folders:
        for path in sorted((folder / group).glob("*.yaml")):
            found.setdefault(path.stem, _read(path))
    return [found[name] for name in sorted(found)]


def files_of(stage: str, entry: str, folders: Sequence[Path]) -> list[str]:
    """Return the yaml files that fill a stage with an entry of that name, for error messages.

    Examples
    --------
    >>> files_of("resample", "smote", [conf_dir()])
    ['conf/strategy/smote.yaml']
    """
    return [
        "/".join(item.path.parts[-3:])
        for item in items("strategy", folders)
        if (stage, entry) in item.entries
    ]


def extra_metrics(path: Path) -> dict[str, dict[str, Any]]:
    """Return the metrics that a file of the group ``metrics`` adds, by name.

    Examples
    --------
    >>> list(extra_metrics(conf_dir() / "metrics" / "f2.yaml"))
    ['f2_minority']
    """
    content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    extra = content.get("extra") or {}
    return {str(name): node for name, node in extra.items() if isinstance(node, dict)}


def _read(path: Path) -> Item:
    try:
        text = path.read_text(encoding="utf-8")
        content = yaml.safe_load(text) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} cannot be read: {' '.join(str(error).split())}.") from error
    mappings = (
        [content, *(content.get(k) or {} for k in ("about", *STAGES))]
        if isinstance(content, dict)
        else [content]
    )
    if not all(isinstance(part, dict) for part in mappings):
        raise ConfigError(f"{path}: the file, its `about` and each stage must be mappings.")
    about: Any = content.get("about") or {}
    about = about.get(path.stem, about)  # strategies key it by name, because selections merge
    entries = tuple(_entries(content))
    return Item(
        name=path.stem,
        path=path,
        summary=str(about.get("summary") or first_comment(text)),
        paper=str(about.get("paper") or about.get("source") or ""),
        stages=tuple(dict.fromkeys(stage for stage, _ in entries)),
        entries=entries,
    )


def first_comment(text: str) -> str:
    r"""Return the comment that a yaml file starts with, on one line; empty if there is none.

    The line that tells Hydra the package is left out. A line of commands, which is indented, ends
    the comment.

    Examples
    --------
    >>> first_comment("# @package _global_\n# Ten strategies.\n#   python -m imbench\nseed: 0")
    'Ten strategies.'
    """
    words: list[str] = []
    for line in text.splitlines():
        comment = line.removeprefix("#")
        if comment == line or comment.startswith("  "):
            break
        if not comment.strip().startswith("@package"):
            words.append(comment.strip())
    return " ".join(words)


def _entries(content: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for stage in STAGES:
        for entry in content.get(stage) or {}:
            yield stage, entry
