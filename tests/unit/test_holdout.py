"""Validation rows of a net are held out before anything resamples the others."""

import numpy as np
import pytest

from imbench.pipeline.build import build
from imbench.pipeline.pipeline import HoldoutPipeline
from imbench.testing import cells
from imbench.testing.data import CASES


class Recorder:
    """Stands in for a net's `fitting` and keeps what it was given."""

    def __init__(self, monkeypatch):
        self.calls = []
        from imbench.models.nets.classifier import TorchClassifier

        real = TorchClassifier.fitting

        def fitting(net, X, y, sample_weight=None, validation=None):
            self.calls.append((X, y, validation))
            return real(net, X, y, sample_weight, validation)

        monkeypatch.setattr(TorchClassifier, "fitting", fitting)


@pytest.mark.parametrize("case", ["three_classes", "images"])
def test_no_validation_row_has_a_copy_among_the_rows_trained_on(monkeypatch, case):
    recorder = Recorder(monkeypatch)
    data = CASES[case]()
    model, strategy = cells.parts("mlp", "random_over")
    build(model, strategy, data.info, seed=0).fit(data.X, data.y)
    ((X, y, (X_scored, y_scored)),) = recorder.calls
    trained = {row.tobytes() for row in X}
    assert len(y_scored) > 0
    assert not [row for row in X_scored if row.tobytes() in trained]
    assert len(set(np.bincount(y))) == 1  # resampled after the hold-out: all classes are equal
    # A tenth of each class, rounded down.
    np.testing.assert_array_equal(np.bincount(y_scored), data.counts // 10)


def test_validation_rows_are_the_same_whatever_the_strategy(monkeypatch):
    recorder = Recorder(monkeypatch)
    data = CASES["images"]()
    for name in ("random_over", "smote", "weighted_sampler"):
        model, strategy = cells.parts("mlp", name)
        build(model, strategy, data.info, seed=5).fit(data.X, data.y)
    labels = [validation[1] for _, _, validation in recorder.calls]
    pixels = [np.asarray(validation[0], np.float64) for _, _, validation in recorder.calls]
    assert all(np.array_equal(labels[0], other) for other in labels[1:])
    np.testing.assert_allclose(pixels[0], pixels[1])
    np.testing.assert_allclose(pixels[0] * 255, pixels[2], atol=1e-3)  # no resampler: uint8


def test_transformers_are_fitted_without_the_validation_rows(monkeypatch):
    recorder = Recorder(monkeypatch)
    data = CASES["three_classes"]()
    model, strategy = cells.parts("mlp", "none")
    pipeline = build(model, strategy, data.info, seed=0).fit(data.X, data.y)
    ((X, _, _),) = recorder.calls
    assert isinstance(pipeline, HoldoutPipeline)
    np.testing.assert_allclose(X.mean(0), 0, atol=1e-6)  # standardised on the rows trained on
    assert pipeline.predict(data.X).shape == data.y.shape


def test_without_a_share_to_hold_out_there_are_no_validation_rows(monkeypatch):
    recorder = Recorder(monkeypatch)
    data = CASES["three_classes"]()
    model, strategy = cells.parts("mlp", "none", ["model.estimator.validation_fraction=0"])
    pipeline = build(model, strategy, data.info, seed=0).fit(data.X, data.y)
    ((X, _, validation),) = recorder.calls
    assert validation is None
    assert len(X) == len(data.y)
    assert np.isnan(pipeline[-1].history_[:, 1]).all()
