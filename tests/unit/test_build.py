"""The five composition rules: where each stage ends up, whatever the order of selection."""

from functools import partial
from itertools import permutations

import numpy as np
import pytest
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.under_sampling import RandomUnderSampler
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from imbench.data.dataset import DatasetInfo
from imbench.errors import DataError, Incompatible
from imbench.models.base import Model
from imbench.models.nets.backbones.mlp import MLP
from imbench.models.nets.classifier import TorchClassifier
from imbench.models.weighted import WeightedClassifier
from imbench.pipeline.build import build
from imbench.pipeline.pipeline import ResamplingPipeline
from imbench.pipeline.steps import CheckedSampler
from imbench.strategies.augment.chain import AugmentChain
from imbench.strategies.augment.minority_augment import MinorityAugment
from imbench.strategies.base import Strategy
from imbench.strategies.batches.weighted_sampler import WeightedSampler
from imbench.strategies.decision.threshold import TunedThreshold
from imbench.strategies.ensemble.balanced_bagging import BalancedBagging
from imbench.strategies.facts import facts_of, fitted_models
from imbench.strategies.loss.focal import FocalLoss
from imbench.strategies.weights.inverse_weights import InverseWeights
from imbench.testing.cells import parts
from imbench.testing.data import CASES

TABLE = DatasetInfo("table", 4, ("no", "yes"), 1)
IMAGES = DatasetInfo("images", 64, ("no", "yes"), 1, (1, 8, 8))
FOREST = Model("random_forest", RandomForestClassifier())
LINEAR = Model("logistic_regression", LogisticRegression())
NET = Model("mlp", TorchClassifier(MLP((4,)), epochs=1, device="cpu"))
NAMES = ("smote", "focal", "balanced_bagging", "threshold")


def make_rows(sizes=(60, 20), seed=0):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    return rng.normal(size=(len(y), 4)) + y[:, None], y


def step_names(pipeline):
    return [name for name, _ in pipeline.steps]


def layers(estimator):
    """Names of the classes from the outside in, of the pipeline its steps."""
    found = []
    while not isinstance(estimator, ResamplingPipeline):
        found.append(type(estimator).__name__)
        estimator = estimator.estimator
    return [*found, *step_names(estimator)]


@pytest.mark.parametrize("order", list(permutations(NAMES))[::4], ids="+".join)
def test_stages_are_ordered_by_stage_and_never_by_selection(order):
    model, strategy = parts("mlp", f"[{','.join(order)}]")
    assert strategy.label == "smote+focal+balanced_bagging+threshold"
    assert strategy.stages == ("resample", "loss", "ensemble", "decision")
    found = build(model, strategy, TABLE, seed=0)
    assert layers(found) == [
        "TunedThreshold",
        "BalancedBagging",
        "clean",
        "smote",
        "rows",
        "model",
    ]
    assert found.estimator.estimator["model"].loss == FocalLoss(2.0)


def test_without_any_stage_the_model_still_stands_in_a_pipeline():
    found = build(LINEAR, Strategy(), TABLE, seed=0)
    assert isinstance(found, ResamplingPipeline)
    assert step_names(found) == ["clean", "rows", "model"]


def test_every_method_of_the_pipeline_lets_rows_pass_what_resamples():
    X, y = make_rows((60, 20))
    resample = {"smote": SMOTE()}
    found = build(LINEAR, Strategy(resample=resample), TABLE, seed=0).fit(X, y)
    cleaned, linear = found["clean"].transform(X), found["model"]
    assert found["rows"].class_counts_.tolist() == [60, 60]
    for name in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        np.testing.assert_array_equal(getattr(found, name)(X), getattr(linear, name)(cleaned))
    np.testing.assert_array_equal(found[:-1].transform(X), cleaned)
    assert found.score(X, y) == linear.score(cleaned, y)
    assert found.classes_.tolist() == [0, 1]


def test_two_resamplers_are_chained_in_the_order_of_selection():
    for order in (["smote", "random_over"], ["random_over", "smote"]):
        model, strategy = parts("logistic_regression", f"[{','.join(order)}]")
        assert strategy.label == "+".join(order)
        found = build(model, strategy, TABLE, seed=0)
        assert step_names(found) == ["clean", *order, "rows", "model"]


def test_a_chain_of_resamplers_hands_the_rows_of_one_to_the_next():
    X, y = make_rows((60, 20))
    half = RandomOverSampler(sampling_strategy=0.5)
    under = RandomUnderSampler()
    one = Strategy(resample={"over": half, "under": under})
    other = Strategy(resample={"under": under, "over": half})
    counted = build(LINEAR, one, TABLE, seed=0).fit(X, y)["rows"].class_counts_
    assert counted.tolist() == [30, 30]
    with pytest.raises(
        (ValueError, DataError), match="ratio"
    ):  # 20:20 cannot be over-sampled to 2:1
        build(LINEAR, other, TABLE, seed=0).fit(X, y)


def test_smote_works_inside_each_bag_and_not_in_front_of_them():
    model, strategy = parts("logistic_regression", "[smote,balanced_bagging]")
    X, y = make_rows((60, 20))
    fitted = build(model, strategy, TABLE, seed=0).fit(X, y)
    assert type(fitted) is BalancedBagging
    members = list(fitted_models(fitted))
    assert len(members) == len(fitted.estimators_) == 4
    for member in members:
        assert member["smote"].sampler.random_state is not None
        n_rows = member["rows"].class_counts_
        assert n_rows[0] == n_rows[1]
        assert n_rows.sum() < len(y), "a bag, not the rows that SMOTE made of all of them"


def test_members_of_a_bag_differ_and_the_whole_is_repeatable():
    model, strategy = parts("mlp", "[smote,balanced_bagging]")
    model.estimator.set_params(epochs=1)
    X, y = make_rows((60, 20))
    first, second = (build(model, strategy, TABLE, seed=3).fit(X, y) for _ in range(2))
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))
    one, two, *_ = (p["model"].random_state for p in fitted_models(first))
    assert one != two


def test_neighbors_are_clipped_to_the_rows_of_a_small_bag_with_a_note():
    X, y = make_rows((60, 2))
    knn = Model("knn", KNeighborsClassifier(n_neighbors=5))
    bagging = {"balanced_bagging": partial(BalancedBagging, n_estimators=4)}
    model = build(knn, Strategy(ensemble=bagging), TABLE, seed=0).fit(X, y)
    assert np.isfinite(model.predict_proba(X)).all()
    (note,) = (note for note in facts_of(model).notes if "bags were drawn again" not in note)
    assert note.startswith("model.estimator.n_neighbors=5 was clipped to the rows")
    assert knn.estimator.n_neighbors == 5
    single = build(knn, Strategy(), TABLE, seed=0).fit(X, y)
    assert facts_of(single).notes == ()
    assert single.named_steps["model"].n_neighbors == 5


@pytest.mark.parametrize("weights", [{}, {"inverse_weights": InverseWeights()}])
def test_inner_folds_of_a_model_are_clipped_to_its_smallest_class_with_a_note(weights):
    X, y = make_rows((30, 2))
    svm = Model("svm", CalibratedClassifierCV(SVC(), cv=3, ensemble=False))
    model = build(svm, Strategy(weights=weights), TABLE, seed=0).fit(X, y)
    assert np.isfinite(model.predict_proba(X)).all()
    (note,) = facts_of(model).notes
    assert note.startswith("model.estimator.cv=3 was clipped to the rows of the smallest class")
    assert svm.estimator.cv == 3


def test_every_random_state_inside_is_set_to_the_seed():
    model, strategy = parts("mlp", "[smote,random_over,balanced_bagging,threshold]")
    found = build(model, strategy, TABLE, seed=77)
    states = {n: v for n, v in found.get_params(deep=True).items() if n.endswith("random_state")}
    assert len(states) >= 5
    assert set(states.values()) == {77}
    assert found.estimator.estimator["smote"].sampler.random_state == 77
    assert found.estimator.estimator["model"].random_state == 77


def test_composing_leaves_model_and_strategy_as_they_were():
    model = Model("mlp", TorchClassifier(MLP((4,))))
    sampler = SMOTE()
    strategy = Strategy(resample={"smote": sampler}, loss={"focal": FocalLoss()})
    build(model, strategy, IMAGES, seed=5)
    assert model.estimator.loss is None
    assert model.estimator.input_shape is None
    assert model.estimator.random_state is None
    assert sampler.random_state is None


def test_weights_go_into_a_net():
    strategy = Strategy(weights={"inverse_weights": InverseWeights()})
    estimator = build(NET, strategy, TABLE, seed=0)["model"]
    assert isinstance(estimator, TorchClassifier)
    assert estimator.weights == InverseWeights()


def test_weights_go_to_a_scikit_learn_model_as_sample_weight():
    strategy = Strategy(weights={"inverse_weights": InverseWeights()})
    estimator = build(LINEAR, strategy, TABLE, seed=0)["model"]
    assert isinstance(estimator, WeightedClassifier)
    X, y = make_rows()
    seen = []

    class Spy(LogisticRegression):
        def fit(self, X, y, sample_weight=None):
            seen.append(sample_weight)
            return super().fit(X, y, sample_weight)

    build(Model("spy", Spy()), strategy, TABLE, seed=0).fit(X, y)
    np.testing.assert_allclose(seen[0], len(y) / (2 * np.bincount(y)[y]))


def test_weights_follow_the_rows_that_a_resampler_left():
    strategy = Strategy(
        resample={"random_over": RandomOverSampler()},
        weights={"inverse_weights": InverseWeights()},
    )
    X, y = make_rows()
    fitted = build(LINEAR, strategy, TABLE, seed=0).fit(X, y)
    np.testing.assert_allclose(fitted["model"].class_weights_, 1)


@pytest.mark.parametrize(
    ("name", "stage", "entry"),
    [
        ("focal", "loss", FocalLoss()),
        ("weighted_sampler", "batches", WeightedSampler()),
        ("minority_augment", "augment", MinorityAugment()),
    ],
)
def test_a_stage_of_nets_on_a_forest_is_incompatible_with_both_names(name, stage, entry):
    with pytest.raises(Incompatible) as caught:
        build(FOREST, Strategy(**{stage: {name: entry}}), IMAGES, seed=0)
    assert f"strategy={name}" in caught.value.reason
    assert "model=random_forest" in caught.value.reason


def test_weights_on_a_model_without_sample_weight_are_incompatible_with_both_names():
    model = Model("knn", KNeighborsClassifier())
    with pytest.raises(Incompatible, match=r"strategy=inverse_weights .*model=knn .*\.$"):
        build(model, Strategy(weights={"inverse_weights": InverseWeights()}), TABLE, seed=0)


def test_augmentation_on_a_table_is_incompatible_with_both_names():
    model, strategy = parts("mlp", "minority_augment")
    with pytest.raises(Incompatible, match=r"strategy=minority_augment .*dataset=table .*\.$"):
        build(model, strategy, TABLE, seed=0)


def test_smote_on_categories_is_incompatible_with_both_names_and_says_what_to_use():
    model, strategy = parts("logistic_regression", "smote")
    info = CASES["mixed_table"]().info
    with pytest.raises(Incompatible) as caught:
        build(model, strategy, info, seed=0)
    for words in ("strategy=smote", "dataset=mixed_table", "categorical", "use smotenc"):
        assert words in caught.value.reason


@pytest.mark.parametrize(
    ("case", "needed", "instead"),
    [("only_categories", "numeric", "smoten"), ("binary_five_percent", "categorical", "smote")],
)
def test_the_advice_of_smotenc_works(case, needed, instead):
    model, strategy = parts("logistic_regression", "smotenc")
    build(model, strategy, CASES["mixed_table"]().info, seed=0)
    info = CASES[case]().info
    with pytest.raises(Incompatible, match=rf"needs {needed} columns, .*; use {instead} instead\."):
        build(model, strategy, info, seed=0)
    build(model, parts("logistic_regression", instead)[1], info, seed=0)


@pytest.mark.parametrize("loss", ["soft_f1", "auc_margin"])
@pytest.mark.parametrize("other", ["inverse_weights", "mixup", "balanced_mixup"])
def test_a_loss_of_the_whole_batch_has_nothing_that_could_be_weighted(loss, other):
    for selection in (f"[{loss},{other}]", f"[{other},{loss}]"):
        model, strategy = parts("mlp", selection)
        with pytest.raises(Incompatible) as caught:
            build(model, strategy, TABLE, seed=0)
        for words in (f"strategy={loss} ", f"strategy={other} ", "leave one of the two out."):
            assert words in caught.value.reason
    for selection in (f"[{loss},noise,class_balanced]", f"[focal,{other}]"):
        build(*parts("mlp", selection), TABLE, seed=0)


@pytest.mark.parametrize("mixer", ["mixup", "remix", "cutmix", "balanced_mixup"])
def test_what_mixes_labels_must_be_the_last_augmentation_of_a_selection(mixer):
    model, strategy = parts("mlp", f"[{mixer},minority_augment]")
    with pytest.raises(Incompatible) as caught:
        build(model, strategy, IMAGES, seed=0)
    for words in (f"strategy={mixer} ", "strategy=minority_augment ", f"select {mixer} last."):
        assert words in caught.value.reason
    build(*parts("mlp", f"[minority_augment,{mixer}]"), IMAGES, seed=0)


def test_two_augmentations_that_mix_labels_cannot_both_be_the_last():
    model, strategy = parts("mlp", "[mixup,cutmix]")
    with pytest.raises(Incompatible, match=r"mixup .*cutmix .*: leave one of the two out\.$"):
        build(model, strategy, IMAGES, seed=0)


def test_a_net_for_images_on_a_table_is_incompatible_with_both_names():
    model, strategy = parts("cnn", "none")
    with pytest.raises(Incompatible, match=r"model=cnn needs images.*dataset=table"):
        build(model, strategy, TABLE, seed=0)


def test_several_augmentations_become_a_chain_in_the_order_of_selection():
    first, second = MinorityAugment(degrees=1), MinorityAugment(degrees=2)
    estimator = build(NET, Strategy(augment={"a": first, "b": second}), IMAGES, seed=0)["model"]
    assert estimator.augment == AugmentChain([first, second])
    alone = build(NET, Strategy(augment={"a": first}), IMAGES, seed=0)["model"]
    assert alone.augment == first


def test_a_net_gets_raw_pixels_and_their_shape_and_floats_behind_a_resampler():
    plain = build(NET, Strategy(), IMAGES, seed=0)
    assert step_names(plain) == ["rows", "model"]
    assert plain["model"].input_shape == (1, 8, 8)
    behind = build(NET, Strategy(resample={"smote": SMOTE()}), IMAGES, seed=0)
    assert step_names(behind) == ["clean", "smote", "rows", "model"]
    forest = build(FOREST, Strategy(), IMAGES, seed=0)
    assert step_names(forest) == ["clean", "rows", "model"]


def test_missing_values_are_imputed_in_front_of_a_resampler_that_cannot_take_them():
    model, _ = parts("hist_gradient_boosting", "none")
    info = DatasetInfo("table", 4, ("no", "yes"), 1, has_missing=True)

    def imputes(strategy):
        return "clean" in step_names(build(model, strategy, info, seed=0))

    assert not imputes(Strategy())
    assert not imputes(Strategy(resample={"random_over": RandomOverSampler()}))
    assert imputes(Strategy(resample={"smote": SMOTE()}))


def test_a_resampler_knows_where_it_stands_and_what_the_classes_are_called():
    found = build(LINEAR, Strategy(resample={"smote": SMOTE()}), TABLE, seed=0)["smote"]
    assert isinstance(found, CheckedSampler)
    assert found.key == "strategy.resample.smote"
    assert found.class_names == ("no", "yes")


def test_a_resampler_needs_fit_resample_and_nothing_else():
    # The protocol of the design; scikit-learn's tags are not part of it.
    class Twice:
        def fit_resample(self, X, y):
            return np.concatenate([X, X]), np.concatenate([y, y])

    X, y = make_rows()
    fitted = build(LINEAR, Strategy(resample={"twice": Twice()}), TABLE, seed=0).fit(X, y)
    assert fitted["rows"].class_counts_.tolist() == [120, 40]


def test_the_decision_rule_refits_everything_inside_of_it_on_inner_folds():
    counts = []

    class Spy(RandomOverSampler):
        def fit_resample(self, X, y, **params):
            counts.append(np.bincount(y).tolist())
            return super().fit_resample(X, y, **params)

    X, y = make_rows((60, 20))
    strategy = Strategy(
        resample={"spy": Spy()}, decision={"threshold": lambda estimator: TunedThreshold(estimator)}
    )
    build(LINEAR, strategy, TABLE, seed=0).fit(X, y)
    assert sorted(counts) == [[48, 16]] * 5 + [[60, 20]]
