"""The entries of the stages inside training that imbench ships, found in its yaml files."""

from typing import Any

import yaml

from imbench.components.construct import construct
from imbench.config import catalogue


def shipped(stage: str) -> dict[str, Any]:
    """Return the constructed entries of a stage by their name in ``conf/strategy``."""
    found = {}
    for item in catalogue.items("strategy", [catalogue.conf_dir()]):
        for name, node in (yaml.safe_load(item.path.read_text()).get(stage) or {}).items():
            found[name] = construct(node, f"strategy.{stage}.{name}")
    return found
