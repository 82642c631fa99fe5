"""Read a saved model, without MLflow and without pickle; its files are checked first."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from imbench.api.schema import Schema
from imbench.api.serving.served import ServedModel
from imbench.errors import DataError, ImbenchError

DATA = Path("data", "model")  # where MLflow puts the files that predict
MODEL, NETS, SCHEMA, CARD = "model.skops", "nets.safetensors", "schema.json", "card.json"
MANIFEST = "manifest.json"
VERSION = 1
TRUSTED = (
    "imbench.api.serving.",
    "imbench.models.",
    "imbench.strategies.",
    "sklearn.",
    "lightgbm.",
    "xgboost.",
    "catboost.",
)
TRUSTED_TYPES = ("functools.partial", "collections.OrderedDict", "collections.defaultdict")


def load(folder: str | Path) -> ServedModel:
    """Load a model that was saved by imbench.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    ServedModel

    Raises
    ------
    ImbenchError
        If the folder holds no such model, or one of its files was changed since.

    Notes
    -----
    Loading runs no code of the files: estimators are built from values (skops), of classes of
    imbench, scikit-learn and the boosting libraries alone, and weights of nets are numbers
    (safetensors). The hashes tell an edit or a damage. They are no signature: who can write the
    folder can write the hashes too.

    Examples
    --------
    >>> load("nowhere")
    Traceback (most recent call last):
    imbench.errors.ImbenchError: nowhere is no saved model (it has no manifest.json): give the \
folder that save() wrote.
    """
    place = Path(folder)
    check_files(place)
    return read(place / DATA)


def read(data: Path) -> ServedModel:
    """Return the model of a folder whose files were checked."""
    card = json.loads((data / CARD).read_text(encoding="utf-8"))
    schema = Schema.from_json((data / SCHEMA).read_text(encoding="utf-8"))
    return ServedModel(schema, _served(data), classes_of(card["classes"]), card)


def check_files(folder: Path, below: str = "") -> None:
    """Compare files with the hashes that were written beside them.

    Parameters
    ----------
    folder : Path
    below : str, default=""
        Check files of this folder inside of it alone.

    Raises
    ------
    ImbenchError
        If the folder holds no saved model, or a file is missing or another one.
    """
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        version, hashes = found["version"], dict(found["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        without = isinstance(error, OSError)
        why = f"it has no {MANIFEST}" if without else f"its {MANIFEST} cannot be read"
        raise ImbenchError(
            f"{folder} is no saved model ({why}): give the folder that save() wrote."
        ) from error
    if version != VERSION:
        raise ImbenchError(
            f"{folder} was saved by another version of imbench (format {version}, this one reads "
            f"{VERSION}): save the model again."
        )
    wrong = [
        name
        for name, sha in hashes.items()
        if name.startswith(below) and hash_of(folder / name) != sha
    ]
    if wrong:
        more = f" and {len(wrong) - 1} more files" if len(wrong) > 1 else ""
        raise ImbenchError(
            f"{folder}: {wrong[0]}{more} changed since the model was saved: save it again, or "
            "copy the whole folder again."
        )


def hash_of(path: Path) -> str | None:
    """Return the SHA-256 of a file in hexadecimal, None if there is no such file."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def untrusted(names: list[str]) -> list[str]:
    """Return the types that a saved model may not hold, of those that skops does not know.

    Examples
    --------
    >>> untrusted(["sklearn.tree._tree.Tree", "my_models.Mine"])
    ['my_models.Mine']
    """
    return [n for n in names if n not in TRUSTED_TYPES and not n.startswith(TRUSTED)]


def classes_of(stored: Mapping[str, Any]) -> Any:
    """Return the array of the classes, from plain values and their kind.

    Examples
    --------
    >>> classes_of({"values": [0, 1], "dtype": "int64"})
    array([0, 1])
    """
    return np.array(stored["values"], dtype=stored["dtype"])


def _served(data: Path) -> Any:
    """Return what predicts, with the weights of its nets."""
    import skops.io

    names = skops.io.get_untrusted_types(file=data / MODEL)
    if odd := untrusted(names):
        raise ImbenchError(
            f"{data / MODEL} holds {odd[0]}, which imbench never writes: do not use this model."
        )
    served = skops.io.load(data / MODEL, trusted=names)
    if served.nets:
        from safetensors.torch import load_file

        weights = load_file(data / NETS)
        for number, net in enumerate(served.nets):
            start = f"{number}."
            net.attach(
                {k.removeprefix(start): v for k, v in weights.items() if k.startswith(start)}
            )
    return served


class Pyfunc:
    """The model as MLflow calls it.

    Parameters
    ----------
    model : ServedModel
    """

    def __init__(self, model: ServedModel) -> None:
        self.model = model

    def predict(self, rows: pd.DataFrame, params: Mapping[str, Any] | None = None) -> pd.DataFrame:
        """Return ``label`` and a column ``p_CLASS`` for each class."""
        try:
            return self.model.answers(rows)
        except DataError as error:
            raise _bad_request(str(error)) from error


def _bad_request(words: str) -> Exception:
    """Return the error that MLflow's server answers with 400."""
    from mlflow.exceptions import MlflowException

    return MlflowException.invalid_parameter_value(words)


def _load_pyfunc(path: str) -> Pyfunc:
    """Load what MLflow calls; the name is MLflow's, and ``path`` is the folder of the data."""
    data = Path(path)
    check_files(data.parents[1], below=f"{DATA.as_posix()}/")
    return Pyfunc(read(data))
