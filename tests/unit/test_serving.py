"""What predicts of a fitted classifier: stripped, saved and loaded, refused where edited."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.tree import DecisionTreeClassifier

import imbench
from imbench.api.schema import Schema
from imbench.api.serving.card import reference_of
from imbench.api.serving.drift import compare, largest_distance
from imbench.api.serving.export import strip
from imbench.api.serving.files import save
from imbench.api.serving.loading import load
from imbench.api.serving.modules import modules_for, requirements_for
from imbench.api.serving.onnx import export_onnx, graph_of, probabilities
from imbench.api.serving.server import rows_of
from imbench.data.dataset import Dataset
from imbench.errors import ConfigError, DataError, ImbenchError
from imbench.pipeline.build import build
from imbench.testing.cells import parts

RNG = np.random.default_rng(0)
N = 120
Y = (np.arange(N) % 5 == 0).astype(np.int64)
NUMBERS = RNG.normal(size=(N, 3)) + Y[:, None]
MIXED = np.column_stack([NUMBERS, RNG.integers(0, 3, N)])
MIXED[::7, 0] = np.nan
MIXED[::11, 3] = np.nan
TABLES = {
    "numbers": Dataset("numbers", NUMBERS, Y, ("no", "yes"), tuple("abc")),
    "mixed": Dataset(
        "mixed", MIXED, Y, ("no", "yes"), tuple("abcd"), categories={3: ("x", "y", "z")}
    ),
    "three": Dataset(
        "three", NUMBERS, np.where(NUMBERS[:, 0] > 0.9, 2, Y), ("no", "rare", "yes"), tuple("abc")
    ),
}
CELLS = [
    ("mixed", "hist_gradient_boosting", "none"),
    ("mixed", "lightgbm", "[random_over,threshold]"),
    ("numbers", "lightgbm", "[focal,platt]"),
    ("numbers", "xgboost", "[focal,threshold]"),
    ("mixed", "catboost", "balanced_weights"),
    ("numbers", "decision_tree", "smoteboost"),
    ("numbers", "decision_tree", "[smote,bagging]"),
    ("numbers", "decision_tree", "[balanced_bagging,isotonic]"),
    ("three", "logistic_regression", "threshold"),
    ("three", "logistic_regression", "[random_under,prior_correction]"),
    ("mixed", "logistic_regression", "cost_sensitive"),
    ("three", "knn", "temperature"),
    ("numbers", "svm", "logit_adjustment"),
    ("mixed", "random_forest", "class_thresholds"),
    ("numbers", "balanced_random_forest", "none"),
    ("numbers", "isolation_forest", "none"),
    ("numbers", "autoencoder", "none"),
    ("mixed", "mlp", "[bce,lws]"),
    ("three", "mlp", "ldam"),
    ("numbers", "mlp", "nearest_class_mean"),
    ("numbers", "mlp", "crt"),
]


class Mine(DecisionTreeClassifier):
    """A classifier of a user's own."""


@pytest.fixture(scope="module")
def frame():
    return pd.DataFrame(
        {
            "age": np.arange(N) % 60,
            "city": RNG.choice(["Kiel", "Ulm"], N),
            "pay": NUMBERS[:, 0],
            "left": np.where(Y, "yes", "no"),
        }
    )


@pytest.fixture(scope="module")
def fitted(frame):
    classifier = imbench.make("random_over+threshold", model="logistic_regression")
    return classifier.fit(frame, "left")


@pytest.fixture(scope="module")
def folder(fitted, frame, tmp_path_factory):
    card = {
        "verdict": "threshold is better than none.",
        "reference": reference_of(fitted.predict_proba(frame), Y, ["no", "yes"]),
    }
    return fitted.save(tmp_path_factory.mktemp("models") / "model", card=card)


@pytest.fixture
def copied(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "model")


def is_training_only(name):
    return name.startswith(("imblearn.", "imbench.pipeline.", "imbench.strategies.resample."))


@pytest.mark.parametrize(("table", "model", "strategy"), CELLS)
def test_what_is_left_predicts_the_same_bits(table, model, strategy):
    data = TABLES[table]
    estimator = build(*parts(model, strategy), data.info, seed=0).fit(data.X, data.y)
    served = strip(estimator)
    content = skops.io.dumps(served)
    types = skops.io.get_untrusted_types(data=content)
    loaded = skops.io.loads(content, trusted=types)
    for net, before in zip(loaded.nets, served.nets, strict=True):
        net.attach(before.stored_weights())
    for found in (served, loaded):
        assert np.array_equal(found.predict_proba(data.X), estimator.predict_proba(data.X))
        assert np.array_equal(found.predict(data.X), estimator.predict(data.X))
    assert not list(filter(is_training_only, types))


def test_saved_models_predict_what_the_classifier_does(fitted, folder, frame):
    model = imbench.load(folder)
    assert np.array_equal(model.predict_proba(frame), fitted.predict_proba(frame))
    assert np.array_equal(model.predict(frame), fitted.predict(frame))
    assert model.classes_.tolist() == ["no", "yes"]
    assert model.threshold_ == fitted.threshold_
    assert model.card["verdict"] == "threshold is better than none."
    assert "chosen by these folds" in (folder / "card.md").read_text()


def test_nets_are_saved_as_safetensors(frame, tmp_path):
    net = imbench.make("none", model="mlp", overrides=["model.estimator.epochs=2"])
    net = net.fit(frame, "left")
    place = net.save(tmp_path / "net")
    assert (place / "data/model/nets.safetensors").is_file()
    assert np.array_equal(load(place).predict_proba(frame), net.predict_proba(frame))


def test_classes_keep_their_type(frame, tmp_path):
    for y in (Y + 2, Y.astype(bool)):
        model = imbench.make(model="decision_tree").fit(frame[["age", "pay"]], y)
        place = model.save(tmp_path / "model")
        assert load(place).predict(frame).dtype == y.dtype


def test_no_file_is_a_pickle_and_only_what_serves_is_required(folder):
    names = [path.name for path in folder.rglob("*") if path.is_file()]
    assert not [name for name in names if name.endswith((".pkl", ".pickle", ".joblib"))]
    required = {
        line.split("==")[0] for line in (folder / "requirements.txt").read_text().splitlines()
    }
    assert {"scikit-learn", "skops", "pandas"} <= required
    assert not {"torch", "imbalanced-learn", "optuna", "hydra-core", "pytest"} & required


def test_signature_names_columns_and_classes(folder):
    from mlflow.models import get_model_info

    signature = get_model_info(str(folder)).signature
    kinds = {column.name: str(column.type) for column in signature.inputs.inputs}
    assert kinds == {"age": "DataType.double", "city": "DataType.string", "pay": "DataType.double"}
    assert signature.outputs.input_names() == ["label", "p_no", "p_yes"]


@pytest.mark.parametrize("name", ["data/model/model.skops", "data/model/card.json", "card.md"])
def test_edited_folders_are_refused(copied, name):
    with (copied / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(ImbenchError, match=f"{name} changed since the model was saved"):
        load(copied)


def test_files_that_are_missing_are_named(copied):
    (copied / "data/model/schema.json").unlink()
    with pytest.raises(ImbenchError, match=r"schema\.json changed"):
        load(copied)


def test_folders_with_other_files_are_kept(fitted, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ImbenchError, match="holds something else than a saved model"):
        fitted.save(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_other_classes_are_not_saved(frame, tmp_path):
    model = imbench.make(model=Mine()).fit(frame[["age", "pay"]], Y)
    with pytest.raises(ImbenchError, match=r"holds tests\.unit\.test_serving\.Mine, which is no"):
        model.save(tmp_path / "model")


def test_other_classes_are_not_loaded(copied):
    """Also where hashes were written again."""
    (copied / "data/model/model.skops").write_bytes(skops.io.dumps(Mine()))
    manifest = json.loads((copied / "manifest.json").read_text())
    del manifest["files"]["data/model/model.skops"]
    (copied / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ImbenchError, match="which imbench never writes"):
        load(copied)


def test_needed_modules_import_no_sampler():
    found = modules_for(["imbench.api.serving.loading"])
    assert not [name for name in found if name.startswith(("imbench.pipeline", "imbench.run"))]
    needs = {line.split("==")[0] for line in requirements_for(found.values())}
    assert needs == {"numpy", "pandas", "pyarrow"}


def test_rows_of_requests(folder):
    model = load(folder)
    split = {"dataframe_split": {"columns": ["age"], "data": [[3]]}}
    records = {"dataframe_records": [{"age": 3}]}
    for body, kind in [
        (json.dumps(split).encode(), "application/json"),
        (json.dumps(records).encode(), ""),
        (b"age\n3\n", "text/csv; charset=utf-8"),
    ]:
        assert rows_of(body, kind, model)["age"].astype(int).tolist() == [3]


@pytest.mark.parametrize(
    "body",
    [b"", b"[1, 2]", b"{}", b'{"dataframe_records": [1]}', b'{"dataframe_split": {"data": [[1]]}}'],
)
def test_requests_without_rows_are_refused(folder, body):
    with pytest.raises(DataError, match=r"the request is no JSON with rows \(.*\): send JSON"):
        rows_of(body, "application/json", load(folder))


def test_a_record_without_a_column_of_others_is_refused_and_a_null_is_not(folder):
    model = load(folder)
    whole = {"age": 30, "city": "Ulm", "pay": 0.5, "other": 1}
    none = whole | {"age": None}
    rows = rows_of(json.dumps({"dataframe_records": [whole, none]}).encode(), "", model)
    assert len(model.answers(rows)) == 2
    body = {"dataframe_records": [whole, {"city": "Ulm", "pay": 1}, {"pay": 1, "x": 1, "y": 2}]}
    with pytest.raises(DataError) as refused:
        rows_of(json.dumps(body).encode(), "", model)
    assert str(refused.value) == (
        "record 2 has no 'age', as other records have: give it, as null if nothing is known."
    )


def test_an_unsaved_classifier_is_not_exported_and_the_words_say_how(fitted, frame, tmp_path):
    with pytest.raises(ConfigError, match=r"give imbench\.load\(classifier\.save\('model'\)\)"):
        export_onnx(fitted, tmp_path / "model.onnx", frame)


def test_arrays_are_served(tmp_path):
    model = imbench.make("threshold", model="decision_tree").fit(NUMBERS, Y)
    served = load(model.save(tmp_path / "model"))
    assert np.array_equal(served.predict_proba(NUMBERS), model.predict_proba(NUMBERS))
    assert isinstance(served.schema, Schema)


def test_save_takes_real_rows_as_example(fitted, frame, tmp_path):
    place = save(fitted, tmp_path / "model", example=frame)
    example = json.loads((place / "input_example.json").read_text())
    assert example["data"][1][1] == frame["city"][1]


def test_distance_is_below_that_of_kolmogorov_and_smirnov():
    """On a grid of 21 quantiles it misses the largest distance by a step at most."""
    from scipy import stats

    old, new = RNG.beta(2, 5, 3000), RNG.beta(2, 4, 2000)
    exact = stats.ks_2samp(old, new).statistic
    found = largest_distance(new, np.quantile(old, np.linspace(0, 1, 21)).tolist())
    assert exact - 0.05 < found <= exact + 1 / 2000


def test_drift_tells_nothing_of_tied_scores_that_stayed():
    scores = np.repeat([0.1, 0.7], [70, 30])
    reference = reference_of(np.column_stack([1 - scores, scores]), np.zeros(100), ["no", "yes"])
    assert largest_distance(np.tile(scores, 3), reference["quantiles"]["yes"]) < 0.06


def test_drift_compares_the_metric_with_what_was_promised(fitted, frame, tmp_path):
    from sklearn.metrics import f1_score

    value = f1_score(frame["left"], fitted.predict(frame), average="macro")
    reference = reference_of(fitted.predict_proba(frame), Y, ["no", "yes"])
    for promised, words in ((value, "no difference is told"), (0.2, "it has changed")):
        card = {"reference": reference, "metric": {"name": "f1_macro", "value": promised}}
        model = load(fitted.save(tmp_path / "model", card=card))
        last = list(compare(model, frame, Y))[-1]
        assert last.startswith(f"metric: f1_macro is {value:.4f}")
        assert words in last


@pytest.mark.parametrize(
    ("strategy", "model"),
    [
        ("random_over+threshold", "logistic_regression"),
        ("none", "random_forest"),
        ("none", "decision_tree"),
        ("none", "balanced_random_forest"),
        ("threshold", "knn"),
        ("none", "svm"),
    ],
)
def test_onnx_gives_the_probabilities(frame, tmp_path, strategy, model):
    onnxruntime = pytest.importorskip("onnxruntime")
    classifier = imbench.make(strategy, model=model).fit(frame, "left")
    rows = pd.concat([frame] * 10, ignore_index=True)[:1000]
    rows = rows.assign(pay=np.random.default_rng(1).normal(size=len(rows)))
    served = load(classifier.save(tmp_path / "model"))
    assert export_onnx(served, tmp_path / "model.onnx", rows) <= 1e-5
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    X = Schema.from_json(session.get_modelmeta().custom_metadata_map["schema"]).encode(rows)
    found = session.run(["probabilities"], {"X": X.astype(np.float32)})[0]
    assert np.abs(found - classifier.predict_proba(rows)).max() <= 1e-5


def test_parts_without_onnx_are_named(frame, tmp_path):
    pytest.importorskip("skl2onnx")
    for strategy, model, words in [
        ("bagging", "decision_tree", "Ensemble has no equal in ONNX"),
        ("focal", "lightgbm", "no loss but the library's own"),
        ("none", "isolation_forest", "a part has no equal in ONNX"),
        ("temperature", "logistic_regression", "TemperatureScaling has no equal in ONNX"),
    ]:
        classifier = imbench.make(strategy, model=model).fit(frame[["age", "pay"]], Y)
        served = load(classifier.save(tmp_path / "model"))
        with pytest.raises(ImbenchError, match=words):
            export_onnx(served, tmp_path / "model.onnx", frame)
        assert not (tmp_path / "model.onnx").exists()


TREES = {
    "lightgbm": "model.estimator.estimator.n_estimators=10",
    "xgboost": "model.estimator.estimator.n_estimators=10",
    "catboost": "model.estimator.estimator.iterations=10",
    "hist_gradient_boosting": "model.estimator.max_iter=10",
}


@pytest.mark.parametrize("table", ["mixed", "three"])
@pytest.mark.parametrize("model", TREES)
def test_onnx_gives_the_probabilities_of_boosted_trees(model, table):
    """Categories, missing numbers and three classes; 1,000 rows that were not fitted."""
    pytest.importorskip("onnxmltools")
    data = TABLES[table]
    words = [TREES[model], "model.preprocessing.one_hot=true"]
    estimator = build(*parts(model, "none", words), data.info, seed=0).fit(data.X, data.y)
    pipeline = strip(estimator).estimator
    rng = np.random.default_rng(1)
    X = np.column_stack([rng.choice(column, 1000) for column in data.X.T])
    X[:, 1] += rng.normal(size=1000)
    content = graph_of(pipeline, X.shape[1]).SerializeToString()
    found = probabilities(content, X)
    assert found.std() > 0.05
    assert np.abs(found - estimator.predict_proba(X)).max() <= 1e-5


def test_splits_on_categories_have_no_onnx():
    """The converter would leave them out in silence."""
    pytest.importorskip("skl2onnx")
    data = TABLES["mixed"]
    chosen = parts("hist_gradient_boosting", "none", [TREES["hist_gradient_boosting"]])
    estimator = build(*chosen, data.info, seed=0).fit(data.X, data.y)
    with pytest.raises(ImbenchError, match=r"model\.preprocessing\.one_hot=true fits trees"):
        graph_of(strip(estimator).estimator, data.X.shape[1])
