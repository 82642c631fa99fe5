"""Compiled nets end where the others end, and later folds find the code of the first."""

import numpy as np
import pytest
import torch

from imbench.models.nets import training as trainer
from imbench.models.nets.backbones.cnn import CNN
from imbench.models.nets.backbones.mlp import MLP
from imbench.models.nets.classifier import TorchClassifier
from imbench.models.nets.compiled import compiled_pass, forward_pass


@pytest.fixture
def compilations(monkeypatch):
    """Graphs that were handed to the compiler, which runs them as they are."""
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    compiled = torch.compile(forward_pass, backend=backend)
    monkeypatch.setattr(trainer, "compiled_pass", lambda device_type: compiled)
    yield graphs
    torch._dynamo.reset()


@pytest.mark.parametrize(
    ("backbone", "input_shape"), [(MLP((8,)), None), (CNN((4,)), (1, 4, 4))], ids=["mlp", "cnn"]
)
def test_a_compiled_net_ends_as_it_does_uncompiled_and_folds_share_the_code(
    compilations, backbone, input_shape
):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(150, 16)).astype(np.float32), rng.integers(0, 2, 150)
    settings = {
        "backbone": backbone,
        "input_shape": input_shape,
        "epochs": 2,
        "batch_size": 16,
        "device": "cpu",
    }
    numbers = []
    for fold in range(3):
        rows = np.arange(150) % 3 != fold
        plain = TorchClassifier(random_state=fold, **settings).fit(X[rows], y[rows])
        compiled = TorchClassifier(random_state=fold, compile=True, **settings)
        compiled.fit(X[rows], y[rows])
        np.testing.assert_allclose(compiled.predict_proba(X), plain.predict_proba(X), atol=1e-5)
        numbers.append(len(compilations))
    assert numbers[0] > 0
    assert numbers[1] == numbers[2] == numbers[0]


def test_nothing_is_compiled_unless_asked_for(compilations):
    X, y = np.eye(4, dtype=np.float32).repeat(10, 0), np.arange(40) // 20
    TorchClassifier(MLP((4,)), epochs=1, device="cpu", random_state=0).fit(X, y)
    assert compilations == []


@pytest.mark.filterwarnings("ignore:.torch.jit.script_method:DeprecationWarning")
def test_the_code_is_kept_for_the_process():
    assert compiled_pass("cpu") is compiled_pass("cpu")
