"""Check yaml files of the user's before Hydra reads them: size, aliases, and what includes what."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from imbench.errors import ConfigError

MAX_BYTES = 1_000_000
MAX_NODES = 100_000  # once every alias is replaced by what it stands for
MAX_DEPTH = 50


def check_yaml(folder: Path, paths: Sequence[Path]) -> None:
    """Refuse files that Hydra could not read in reasonable time, or at all.

    Nothing is constructed here. Files that are no yaml, and tags of Python objects, are refused by
    Hydra where they are used.

    Parameters
    ----------
    folder : Path
        Configuration folder.
    paths : sequence of Path
        Its yaml files.

    Raises
    ------
    ConfigError
        If one is no file of text, is too large, nests too deeply, holds aliases that multiply or
        contain themselves, or includes itself by its defaults list.
    """
    included = {}
    for path in paths:
        text = _read(path)
        try:
            # libyaml is not used: it ends the process where a file nests too deeply.
            node = yaml.compose(text, yaml.SafeLoader)
        except RecursionError as error:
            raise ConfigError(f"{path}: nests too deeply; write it flatter.") from error
        except (yaml.YAMLError, ValueError):
            continue  # Hydra says so if the file is used
        if node is not None:
            _check_size(path, node)
            group = path.parent.relative_to(folder).as_posix()
            included[f"{group}/{path.stem}"] = (path, _defaults(node, group))
    for name in included:
        _check_includes(name, included, ())


def _read(path: Path) -> str:
    try:
        if not path.is_file():
            raise ConfigError(f"{path}: is not a file; remove it or give it another name.")
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(
                f"{path}: has {path.stat().st_size:,} bytes, at most {MAX_BYTES:,} are read; "
                "is it a configuration?"
            )
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {' '.join(str(error).split())}.") from error


def _check_size(path: Path, root: yaml.Node) -> None:
    """Raise ConfigError if a node contains itself, or is too large once aliases are replaced."""
    sizes: dict[int, int] = {}

    def size(node: yaml.Node, above: frozenset[int]) -> int:
        if id(node) in above:
            raise ConfigError(f"{path}: an alias contains itself; write out what it stands for.")
        if len(above) > MAX_DEPTH:
            raise ConfigError(f"{path}: nests more than {MAX_DEPTH} levels; write it flatter.")
        if id(node) not in sizes:
            here = above | {id(node)}
            sizes[id(node)] = 1 + sum(size(child, here) for child in _children(node))
        return sizes[id(node)]

    if size(root, frozenset()) > MAX_NODES:
        raise ConfigError(
            f"{path}: has more than {MAX_NODES:,} values once its aliases are replaced; write "
            "fewer."
        )


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _defaults(node: yaml.Node, group: str) -> list[str]:
    """Return the files that a defaults list names, as ``group/name``."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    lists = [value for key, value in pairs if key.value == "defaults"]
    entries = lists[0].value if lists and isinstance(lists[0], yaml.SequenceNode) else []
    named: list[tuple[str, Any]] = []
    for entry in entries:
        if isinstance(entry, yaml.ScalarNode):
            named.append((group, entry.value))
        elif isinstance(entry, yaml.MappingNode):
            for key, value in entry.value:
                words = str(key.value).split()[-1].partition("@")[0]
                parent = words[1:] if words.startswith("/") else f"{group}/{words}"
                some = value.value if isinstance(value, yaml.SequenceNode) else [value]
                named += [(parent, v.value) for v in some if isinstance(v, yaml.ScalarNode)]
    return [
        value[1:].removesuffix(".yaml") if value.startswith("/") else
        f"{parent}/{value.partition('@')[0].removesuffix('.yaml')}"
        for parent, value in named
    ]  # fmt: skip


def _check_includes(
    name: str, included: dict[str, tuple[Path, list[str]]], above: tuple[str, ...]
) -> None:
    """Raise ConfigError if a file is included by itself."""
    if name in above:
        ring = " includes ".join((*above[above.index(name) :], name))
        raise ConfigError(
            f"{included[name][0]}: its defaults list includes itself ({ring}); take one of them "
            "out of it."
        )
    for other in included.get(name, (None, []))[1]:
        if other in included:
            _check_includes(other, included, (*above, name))
