"""Boosted trees as ONNX: what skl2onnx is told of them before it converts a pipeline."""

from __future__ import annotations

from typing import Any

from sklearn.ensemble import HistGradientBoostingClassifier

from imbench.models.boosting import BoostedTrees
from imbench.models.boosting_libraries import library_of
from imbench.models.hist_boosting import HistBoosting

ALIASES = {"lightgbm": "LgbmClassifier", "xgboost": "XGBClassifier", "catboost": "CatBoost"}
OPTIONS = {"nocl": [True, False], "zipmap": [True, False, "columns"]}
ONE_HOT = "model.preprocessing.one_hot=true"


def plain_trees(model: Any) -> Any:
    """Return a fitted model as a class that a converter knows; others unchanged.

    Parameters
    ----------
    model : estimator
        The last step of a pipeline.

    Raises
    ------
    ValueError
        If no converter can write it, with the reason.

    Examples
    --------
    >>> from xgboost import XGBClassifier
    >>> trees = BoostedTrees(XGBClassifier(n_estimators=5, n_jobs=1))
    >>> type(plain_trees(trees.fit([[0.0], [1.0]], [0, 1]))).__name__
    'XGBClassifier'
    """
    if isinstance(model, HistBoosting):
        if model.is_categorical_ is not None and model.is_categorical_.any():
            raise ValueError(
                f"skl2onnx leaves out splits on categories; {ONE_HOT} fits trees without them"
            )
        plain = HistGradientBoostingClassifier()
        vars(plain).update(vars(model))
        return plain
    if not isinstance(model, BoostedTrees):
        return model
    if model._own_loss is not None:
        raise ValueError("the converters know no loss but the library's own")
    return model.estimator_


def register(model: Any) -> None:
    """Tell skl2onnx how a model is converted, where it does not know that or is wrong.

    Parameters
    ----------
    model : estimator
        As :func:`plain_trees` returns it.
    """
    from skl2onnx import update_registered_converter
    from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes

    library = library_of(model)
    name = type(model).__module__.partition(".")[0]
    if isinstance(model, HistGradientBoostingClassifier):
        from skl2onnx.operator_converters.random_forest import (
            convert_sklearn_random_forest_classifier as convert,
        )

        alias, options = "SklearnHistGradientBoostingClassifier", {"raw_scores": [True, False]}
    elif library is None:
        return
    else:
        convert, alias, options = _converter(name), ALIASES[name], {}
    update_registered_converter(
        type(model),
        alias,
        calculate_linear_classifier_output_shapes,
        _with_whole_numbers(convert),
        parser=_parse_catboost if name == "catboost" else None,
        options={**OPTIONS, **options},
    )


def _converter(name: str) -> Any:
    """Return the converter of a library."""
    if name == "lightgbm":
        from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm

        return convert_lightgbm
    if name == "xgboost":
        from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost

        return convert_xgboost
    return _convert_catboost


def _parse_catboost(scope: Any, model: Any, inputs: Any, custom_parsers: Any = None) -> Any:
    """Declare label and probabilities: CatBoost's class is none of scikit-learn's classifiers."""
    from skl2onnx.common.data_types import Int64TensorType, guess_tensor_type

    operator = scope.declare_local_operator(ALIASES["catboost"], model)
    operator.inputs = inputs
    operator.outputs.append(scope.declare_local_variable("label", Int64TensorType()))
    kind = guess_tensor_type(inputs[0].type)
    operator.outputs.append(scope.declare_local_variable("probabilities", kind))
    return operator.outputs


def _convert_catboost(scope: Any, operator: Any, container: Any) -> None:
    """Add the one node of the graph that CatBoost writes."""
    from catboost.utils import convert_to_onnx_object  # type: ignore[import-untyped]
    from onnx.helper import get_attribute_value

    node = convert_to_onnx_object(operator.raw_operator).graph.node[0]
    given = {found.name: get_attribute_value(found) for found in node.attribute}
    container.add_node(
        node.op_type,
        operator.input_full_names,
        operator.output_full_names,
        op_domain=node.domain,
        **given,
    )


def _with_whole_numbers(convert: Any) -> Any:
    """Return a converter whose nodes have 0 and 1 for truth values: protobuf 7 takes no others."""

    def converted(scope: Any, operator: Any, container: Any) -> None:
        container.add_node, add = _adding(container.add_node), container.add_node
        try:
            convert(scope, operator, container)
        finally:
            container.add_node = add

    return converted


def _adding(add: Any) -> Any:
    def adding(*given: Any, **named: Any) -> Any:
        key = "nodes_missing_value_tracks_true"
        if key in named:
            named[key] = [int(value) for value in named[key]]
        return add(*given, **named)

    return adding
