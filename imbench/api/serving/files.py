"""Write a fitted classifier into a folder that MLflow and imbench can load, without pickle."""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from imbench.api.schema import Schema
from imbench.api.serving.card import card_of, words_of
from imbench.api.serving.export import strip
from imbench.api.serving.loading import (
    CARD,
    DATA,
    MANIFEST,
    MODEL,
    NETS,
    SCHEMA,
    VERSION,
    hash_of,
    read,
    untrusted,
)
from imbench.api.serving.modules import copy_modules, modules_for, requirements_for
from imbench.api.serving.served import Served, ServedModel
from imbench.components.extras import require
from imbench.errors import ImbenchError

if TYPE_CHECKING:
    from imbench.api.estimator import ImbalancedClassifier

LOADER = "imbench.api.serving.loading"
BOOSTERS = ("lightgbm", "xgboost", "catboost")
UNHASHED = (MANIFEST, "MLmodel")  # MLflow writes into the second one when it logs a model
N_EXAMPLE = 3  # rows


def save(
    classifier: ImbalancedClassifier,
    folder: str | Path,
    *,
    card: Mapping[str, Any] | None = None,
    example: pd.DataFrame | None = None,
) -> Path:
    """Save a fitted classifier as an MLflow model that holds what predicts and nothing else.

    Parameters
    ----------
    classifier : ImbalancedClassifier
        Fitted.
    folder : str or Path
        New, or one that holds a saved model, which is replaced.
    card : mapping or None
        What is known beside the model: ``data``, ``folds``, ``verdict``, ``metric`` (with
        ``name``, ``value``, ``sd``), ``costs``, ``limits``, and ``reference``
        (:func:`imbench.api.serving.card.reference_of`), which ``imbench drift`` compares with.
    example : DataFrame or None
        Rows for the example of an input; None makes one of the known categories.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ImbenchError
        If MLflow is not installed, the folder holds something else, or the model is of a class of
        a user's own, which cannot be saved without pickle.
    """
    require("mlflow", "a saved model has MLflow's format")
    place = Path(folder)
    _check_place(place)
    served = strip(classifier.estimator_)
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".saving-") as made:
        data, written = Path(made, DATA.name), Path(made, "model-folder")
        data.mkdir()
        types = _write_model(served, data)
        modules = modules_for([LOADER, *(name.rpartition(".")[0] for name in types)])
        roots = {name.split(".")[0] for name in types}
        needs = ["skops", "sklearn", *(name for name in BOOSTERS if name in roots)]
        needs += ["safetensors"] if served.nets else []
        requirements = requirements_for(modules.values(), needs)
        known = card_of(classifier, served.threshold, requirements, card or {})
        _write_text(data / CARD, json.dumps(known, indent=1, default=_plain))
        _write_text(data / SCHEMA, classifier.schema_.to_json())
        code = copy_modules(modules, Path(made))
        rows = example_of(classifier.schema_, example)
        _write_mlflow(written, data, code, read(data), rows, requirements)
        _write_text(written / "card.md", words_of(known))
        _write_manifest(written)
        if place.exists():
            shutil.rmtree(place)
        shutil.move(written, place)
    return place


def example_of(schema: Schema, rows: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return a few rows as MLflow takes them: numbers as float64, everything else as it is.

    Parameters
    ----------
    schema : Schema
    rows : DataFrame or None
        None makes some: known categories, zeros, and days of the year 2000.

    Examples
    --------
    >>> from imbench.api.encoding import SchemaColumn
    >>> columns = (SchemaColumn("age"), SchemaColumn("city", "categorical", ("Kiel", "Ulm")))
    >>> example_of(Schema(columns)).to_dict("list")
    {'age': [0.0, 0.0, 0.0], 'city': ['Kiel', 'Ulm', 'Kiel']}
    """
    made: dict[str, Any] = {}
    numbers = None if rows is None else schema.encode(rows[:N_EXAMPLE])
    places = {name: i for i, name in enumerate(schema.feature_names)}
    for column in schema.columns:
        if column.kind == "numeric":
            found = np.zeros(N_EXAMPLE) if numbers is None else numbers[:, places[column.name]]
            made[column.name] = found.tolist()
        elif rows is not None:
            made[column.name] = rows[column.name][:N_EXAMPLE].tolist()
        elif column.kind == "categorical":
            names = column.categories or ("",)
            made[column.name] = [names[i % len(names)] for i in range(N_EXAMPLE)]
        else:
            made[column.name] = [f"2000-01-0{i + 1}" for i in range(N_EXAMPLE)]
    return pd.DataFrame(made)


def _check_place(place: Path) -> None:
    """Raise ImbenchError for a path that holds something else than a saved model."""
    is_other = place.is_dir() and any(place.iterdir()) and not (place / MANIFEST).is_file()
    if is_other or (place.exists() and not place.is_dir()):
        raise ImbenchError(
            f"{place} holds something else than a saved model: give a new folder, as in "
            f"save({str(place / 'model')!r})."
        )


def _write_model(served: Served, data: Path) -> list[str]:
    """Write estimators and weights, and return the types that skops does not know by itself."""
    import skops.io

    try:
        content = skops.io.dumps(served)
        types: list[str] = skops.io.get_untrusted_types(data=content)
    except Exception as error:  # what skops raises for odd objects is not documented
        raise ImbenchError(
            f"this model cannot be saved without pickle ({type(error).__name__}: {error}): use "
            "a model of scikit-learn or one of `python -m imbench list models`."
        ) from error
    if odd := untrusted(types):
        raise ImbenchError(
            f"this model holds {odd[0]}, which is no class of scikit-learn, imbench, "
            f"{' or '.join(BOOSTERS)}, and a saved model holds no other: use one of "
            "`python -m imbench list models`."
        )
    (data / MODEL).write_bytes(content)
    if served.nets:
        from safetensors.torch import save_file

        found = {
            f"{number}.{name}": value
            for number, net in enumerate(served.nets)
            for name, value in net.stored_weights().items()
        }
        save_file(found, data / NETS)
    return types


def _write_mlflow(
    folder: Path,
    data: Path,
    code: Path,
    model: ServedModel,
    example: pd.DataFrame,
    requirements: Sequence[str],
) -> None:
    """Write the folder that MLflow loads."""
    with _quiet():
        import mlflow.pyfunc
        from mlflow.models import ModelSignature
        from mlflow.models.signature import infer_signature

        answers = infer_signature(model_output=model.answers(example)).outputs
        signature = ModelSignature(inputs=input_schema(model.schema), outputs=answers)
        mlflow.pyfunc.save_model(
            folder,
            loader_module=LOADER,
            data_path=str(data),
            code_paths=[str(code)],
            pip_requirements=list(requirements),
            signature=signature,
            input_example=example,
            metadata={"classes": list(model.schema.class_names)},
        )


def input_schema(schema: Schema) -> Any:
    """Return the columns for MLflow: numbers as double, since missing ones are none of integers.

    Parameters
    ----------
    schema : Schema

    Notes
    -----
    Categories that may come as numbers or truth values, and dates, take any type.
    """
    from mlflow.types.schema import AnyType, ColSpec, DataType
    from mlflow.types.schema import Schema as Columns

    specs: list[Any] = []
    for column in schema.columns:
        if column.kind == "numeric":
            kind: Any = DataType.double
        else:
            is_text = column.kind == "categorical" and not _may_be_typed(column.categories)
            kind = DataType.string if is_text else AnyType()
        specs.append(ColSpec(kind, column.name, required=True))
    return Columns(specs)


def _may_be_typed(names: Sequence[str]) -> bool:
    """Whether categories may come as numbers or truth values."""
    numbers = pd.to_numeric(pd.Series(list(names), dtype=object), errors="coerce")
    return bool(numbers.notna().any()) or {"True", "False"} & set(names) != set()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep MLflow from telling what it does and from warning of its own defaults."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow.pyfunc  # noqa: F401  # it sets the level of its logger

        logger = logging.getLogger("mlflow")
        level = logger.level
        logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            logger.setLevel(level)


def _write_manifest(folder: Path) -> None:
    """Write the hash of every file."""
    names = sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )
    files = {name: hash_of(folder / name) for name in names if name not in UNHASHED}
    _write_text(folder / MANIFEST, json.dumps({"version": VERSION, "files": files}, indent=1))


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _plain(value: Any) -> Any:
    """Return a value of NumPy or a path as JSON knows it."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    return str(value)
