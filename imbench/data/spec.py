"""A data set as the configuration describes it, before it is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from imbench.components.construct import Component, is_component, resolve
from imbench.errors import ConfigError

RESERVED = ("about", "name", "imbalance")
"""Keys of the `dataset` node that are no parameters of its source."""


@dataclass(frozen=True, eq=False)
class DatasetSpec:
    """Where a data set comes from, what it is called and how it is thinned.

    Parameters
    ----------
    node : mapping
        The resolved `dataset` node. Hashed to recognise the data set, never parsed again.
    name : str or None
        None keeps the name that the source gives.
    source : Component
        Constructs the :class:`imbench.data.dataset.Dataset`.
    imbalance : Component or None
        Constructs a function of a data set that removes rows; None keeps all rows.

    Examples
    --------
    >>> spec = DatasetSpec.from_node({"_target_": "imbench.data.digits.load_digits", "name": None})
    >>> spec.source.key, spec.imbalance
    ('dataset', None)
    """

    node: Mapping[str, Any]
    name: str | None
    source: Component
    imbalance: Component | None = None

    @classmethod
    def from_node(cls, node: Mapping[str, Any]) -> DatasetSpec:
        """Locate what a `dataset` node names and check its parameters.

        Parameters
        ----------
        node : mapping
            ``{_target_: path, parameter: value, ...}`` and the reserved keys: ``about`` (ignored
            here), ``name`` (null keeps the name that the source gives) and ``imbalance``, a node
            that constructs a function of a data set (null or empty changes nothing).

        Raises
        ------
        ConfigError
            With one line for each problem.
        """
        problems: list[str] = []
        source = {key: value for key, value in node.items() if key not in RESERVED}
        parts = {"dataset": source, "dataset.imbalance": node.get("imbalance") or None}
        found: dict[str, Component] = {}
        for key, part in parts.items():
            try:
                if part is not None:
                    found[key] = _resolved(part, key)
            except ConfigError as error:
                problems += str(error).splitlines()
        if problems:
            raise ConfigError("\n".join(problems))
        name = node.get("name")
        return cls(
            node=node,
            name=None if name is None else _folder_name(name),
            source=found["dataset"],
            imbalance=found.get("dataset.imbalance"),
        )


def _resolved(node: Any, key: str) -> Component:
    if not is_component(node):
        keys = sorted(node) if isinstance(node, Mapping) else node
        raise ConfigError(
            f"{key} has no _target_, only {keys}: give the import path of what loads it, "
            f"or choose a yaml of conf/{key.replace('.', '/')}/."
        )
    return resolve(node, key)


def _folder_name(name: object) -> str:
    text = str(name)
    if not text.strip() or text in {".", ".."} or set(text) & set("/\\\n"):
        raise ConfigError(
            f"dataset.name={text!r}: becomes the name of a folder; use letters, digits, - and _."
        )
    return text
