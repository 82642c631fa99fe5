"""Compose and parse cells from the words of a command line."""

from __future__ import annotations

from pathlib import Path

from imbench.config.cell import Cell
from imbench.config.check import Config
from imbench.config.compose import Composer
from imbench.config.parse import parse


def cell_from(config: Config) -> Cell:
    """Parse a composed configuration of which nothing is refused."""
    cell = parse(config, Composer(None).folders)
    assert isinstance(cell, Cell), cell
    return cell


def cells_of(*words: str, config_dir: Path | None = None) -> list[Cell]:
    """Return the cells of a sweep."""
    composer = Composer(config_dir)
    return [cell_from(config) for config in composer.cells(words, multirun=True)]


def cell_of(*words: str) -> Cell:
    """Return the only cell of some words."""
    (cell,) = cells_of(*words)
    return cell
