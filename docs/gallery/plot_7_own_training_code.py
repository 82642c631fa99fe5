"""
A skorch net and a Lightning loop
=================================

Training code that exists is a model too: a skorch net as it is, a loop of PyTorch Lightning behind
three methods. ``pip install 'imbench[docs]'`` brings both libraries.
"""

# %%
# Both come from functions in a file on the Python path. skorch's nets are classifiers of
# scikit-learn. Lightning has no such interface: ``fit``, ``predict_proba`` and ``predict`` are
# written around the loop.
import sys
import tempfile
from pathlib import Path

import imbench
from imbench.data.synthetic import load_synthetic

folder = Path(tempfile.mkdtemp())
(folder / "my_training.py").write_text('''
import logging
import warnings

import numpy as np
import torch

from imbench.data.torchvision_shim import import_torchvision

import_torchvision()  # Lightning imports it too; a torch without CUDA needs help to do so
import pytorch_lightning as lightning
from sklearn.base import BaseEstimator, ClassifierMixin
from skorch import NeuralNetClassifier
from torch import nn

logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)


class Net(nn.Module):
    """One hidden layer; makes logits."""

    def __init__(self, units=16, n_classes=2):
        super().__init__()
        self.layers = nn.Sequential(
            nn.LazyLinear(units), nn.ReLU(), nn.Linear(units, n_classes)
        )

    def forward(self, X):
        return self.layers(X.float())


def skorch_net(epochs=5):
    return NeuralNetClassifier(
        Net, criterion=nn.CrossEntropyLoss, optimizer=torch.optim.Adam, lr=0.01,
        max_epochs=epochs, batch_size=64, train_split=None, verbose=0,
    )


class Loop(lightning.LightningModule):
    """What Lightning trains: the net, its loss and its optimizer."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def training_step(self, batch, batch_idx):
        rows, labels = batch
        return nn.functional.cross_entropy(self.net(rows), labels)

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=0.01)


class LightningNet(ClassifierMixin, BaseEstimator):
    """The loop behind the methods of scikit-learn."""

    def __init__(self, epochs=5, random_state=None):
        self.epochs = epochs
        self.random_state = random_state

    def fit(self, X, y):
        self.classes_, codes = np.unique(y, return_inverse=True)
        rows, labels = torch.as_tensor(X, dtype=torch.float32), torch.as_tensor(codes)
        with torch.random.fork_rng(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # advice about workers of the loader
            torch.manual_seed(self.random_state or 0)
            data = torch.utils.data.TensorDataset(rows, labels)
            batches = torch.utils.data.DataLoader(data, batch_size=64, shuffle=True)
            loop = Loop(Net(n_classes=len(self.classes_)))
            lightning.Trainer(
                max_epochs=self.epochs, accelerator="cpu", devices=1, logger=False,
                enable_checkpointing=False, enable_progress_bar=False,
                enable_model_summary=False,
            ).fit(loop, batches)
        self.net_ = loop.net.eval()
        return self

    def predict_proba(self, X):
        with torch.no_grad():
            return self.net_(torch.as_tensor(X)).softmax(dim=1).numpy()

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]
''')

# %%
# ``models="own"`` with the name. Strategies that change rows or the decision work on both.
sys.path.append(str(folder))
data = load_synthetic(n_rows=400, ratio=9)
results = {}
for name in ("skorch_net", "LightningNet"):
    results[name] = imbench.compare(
        data.X,
        data.y,
        strategies=["none", "random_over", "threshold", "focal"],
        models="own",
        overrides=[
            f"model.estimator._target_=my_training.{name}",
            "splits.n_repeats=1",
            "splits.n_splits=3",
        ],
        results_dir=folder / "results",
        progress=False,
    )
    print(name, results[name].verdict, sep="\n", end="\n\n")

# %%
# A strategy of the stages batches, augment or loss needs a net of imbench. For another one it is
# skipped, with the reason.
(skipped,) = (cell for cell in results["skorch_net"].cells if cell.status == "skipped")
print(f"{skipped.label}: {skipped.reason}")
figure = results["LightningNet"].plot("gain")
