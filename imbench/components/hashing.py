"""Canonical JSON and the hash that names a configuration."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np


def run_id_of(description: Mapping[str, Any]) -> str:
    """Hash what determines a cell's results, 16 hexadecimal digits."""
    return hashlib.sha256(canonical_json(description)).hexdigest()[:16]


def canonical_json(value: Mapping[str, Any]) -> bytes:
    """Return JSON with sorted keys: equal content gives equal bytes."""
    return json.dumps(_with_text_keys(value), sort_keys=True, default=_plain).encode()


def _with_text_keys(value: object) -> object:
    """YAML reads the key of ``{0: 0.5, cat: 0.1}`` as a number; numbers and text do not sort."""
    if isinstance(value, Mapping):
        return {str(key): _with_text_keys(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_with_text_keys(inner) for inner in value]
    return value


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be stored as JSON: {value!r}")
