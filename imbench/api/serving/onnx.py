"""Export what predicts to ONNX, where every part of it has an equal there."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from imbench.api.serving.onnx_trees import plain_trees, register
from imbench.api.serving.served import ServedModel
from imbench.errors import ConfigError, ImbenchError
from imbench.models.cleaner import NO_CATEGORY, Cleaner
from imbench.models.empty_columns import EmptyColumns

TOLERANCE = 1e-5
OPSETS = {"": 18, "ai.onnx.ml": 3}  # the newest that all converters write
INSTEAD = "save() keeps every model, and `imbench serve` answers for it"


def export_onnx(model: ServedModel, path: str | Path, rows: pd.DataFrame) -> float:
    """Write the probabilities of a model as ONNX, and compare them with the model's.

    The graph takes ``X`` (n, d), the encoded rows of ``model.schema.encode`` as float32, and
    returns ``probabilities`` (n, K). Its metadata hold the schema, the class names and the
    threshold. It needs the extra ``imbench[onnx]``.

    Parameters
    ----------
    model : ServedModel
        Of :func:`imbench.load`.
    path : str or Path
        Written if the probabilities agree.
    rows : DataFrame of shape (n, columns)
        To compare on; about 1,000.

    Returns
    -------
    float
        Largest difference of a probability on these rows.

    Raises
    ------
    ConfigError
        If the model was not saved and loaded.
    ImbenchError
        If a part has no equal in ONNX, the extra is missing, or the probabilities differ by more
        than 1e-5. ONNX counts in float32: a value next to a split of a tree may change sides.
    """
    if not isinstance(model, ServedModel):
        raise ConfigError(
            f"export_onnx takes a loaded model, no {type(model).__name__}: give "
            "imbench.load(classifier.save('model'))."
        )
    X = model.schema.encode(rows)
    graph = graph_of(_pipeline(model.served.estimator), X.shape[1])
    known = {"schema": model.schema.to_json(), "classes": json.dumps(model.schema.class_names)}
    known["threshold"] = json.dumps(model.threshold_)
    for key, value in known.items():
        graph.metadata_props.add(key=key, value=value)
    content = graph.SerializeToString()
    differences = np.abs(probabilities(content, X) - model.predict_proba(rows))
    largest = float(differences.max(initial=0.0))
    if not largest <= TOLERANCE:
        n = int((differences.max(1) > TOLERANCE).sum())
        raise ImbenchError(
            f"the probabilities of ONNX differ by {largest:.2g} at most, in {n} of {len(rows)} "
            f"rows by more than {TOLERANCE}: it counts in float32, and {INSTEAD}."
        )
    Path(path).write_bytes(content)
    return largest


def graph_of(pipeline: Pipeline, n_columns: int) -> Any:
    """Return a pipeline in ONNX.

    Raises
    ------
    ImbenchError
        If a part has no equal, or the packages are missing.
    """
    try:
        from skl2onnx import to_onnx
        from skl2onnx.common.data_types import FloatTensorType
    except ImportError as error:
        raise ImbenchError(
            f"ONNX needs packages: pip install 'imbench[onnx]' ({error})."
        ) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # skl2onnx reads old names of an SVC
            return to_onnx(
                _plain(pipeline, n_columns),
                initial_types=[("X", FloatTensorType([None, n_columns]))],
                options={"zipmap": False},
                target_opset=OPSETS,
            )
    except Exception as error:  # skl2onnx raises what it likes
        reason = str(error).strip().splitlines()[0][:100].rstrip(". ")
        raise ImbenchError(f"a part has no equal in ONNX ({reason}); {INSTEAD}.") from error


def probabilities(content: bytes, X: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probabilities (n, K) of a model in ONNX for encoded rows."""
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    found: NDArray[np.float64] = session.run(["probabilities"], {"X": X.astype(np.float32)})[0]
    return found


def _pipeline(estimator: Any) -> Pipeline:
    """Return the pipeline whose probabilities a model has.

    Raises
    ------
    ImbenchError
        If there is an ensemble, or a rule that changes labels otherwise than by a threshold.
    """
    if isinstance(estimator, FixedThresholdClassifier):
        estimator = estimator.estimator.estimator  # it is frozen
    if not isinstance(estimator, Pipeline):
        raise ImbenchError(
            f"{type(estimator).__name__} has no equal in ONNX, a single model with or without a "
            f"threshold has; {INSTEAD}."
        )
    return estimator


def _plain(pipeline: Pipeline, n_columns: int) -> Pipeline:
    """Return a pipeline of scikit-learn's own classes that predicts the same.

    Raises
    ------
    ValueError
        If there are columns without any value behind a resampler.
    """
    steps = dict(pipeline.steps)
    cleaner, encode, empty = steps.get("clean"), steps.get("encode"), steps.get("empty")
    if isinstance(empty, EmptyColumns) and len(empty.empty_):
        raise ValueError("EmptyColumns")
    model = plain_trees(steps["model"])
    register(model)
    if not isinstance(cleaner, Cleaner):
        return Pipeline([("model", model)])
    return Pipeline([("columns", _columns(cleaner, encode, n_columns)), ("model", model)])


def _columns(cleaner: Cleaner, encode: Any, n_columns: int) -> ColumnTransformer:
    """Return cleaner and encoder as one transformer, with the medians and scales of the cleaner.

    An imputer that is fitted on one row fills with the values of that row.
    """
    means, scales = cleaner.means_.copy(), cleaner.scales_.copy()
    means[cleaner.empty_], scales[cleaner.empty_] = 0.0, np.inf  # 0 in all rows
    row = np.zeros((1, n_columns))
    row[0, list(cleaner.numeric)] = cleaner.medians_
    row[0, list(cleaner.categorical)] = NO_CATEGORY
    scale = StandardScaler()
    numeric: list[tuple[str, Any]] = [("scale", scale)]
    if cleaner.impute:
        numeric.insert(0, ("impute", SimpleImputer(strategy="median")))
    parts = [("numeric", Pipeline(numeric), list(cleaner.numeric))] if cleaner.numeric else []
    if cleaner.categorical:
        filled = SimpleImputer(strategy="median")
        parts.append(("categorical", Pipeline([("fill", filled)]), list(cleaner.categorical)))
    made = ColumnTransformer(parts).fit(row)
    if cleaner.numeric:
        scale = made.named_transformers_["numeric"].named_steps["scale"]
        scale.mean_, scale.scale_, scale.var_ = means, scales, scales**2
    if cleaner.categorical:
        encoder = encode.named_transformers_["categorical"]
        made.named_transformers_["categorical"].steps.append(("encode", encoder))
    return made
