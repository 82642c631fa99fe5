import subprocess
import sys

import pytest

from imbench.data import torchvision_shim


def test_torchvision_imports_with_data_sets_transforms_and_models():
    torchvision = torchvision_shim.import_torchvision()
    assert torchvision.datasets.MNIST.__name__ == "MNIST"
    assert callable(torchvision.models.resnet18)
    assert torchvision_shim.import_torchvision() is torchvision


def test_schemas_are_declared_only_where_the_library_cannot_load(monkeypatch):
    declared = []
    monkeypatch.setattr(torchvision_shim, "_declare_schemas", lambda: declared.append(True))
    monkeypatch.setattr(torchvision_shim.importlib, "import_module", lambda name: name)
    monkeypatch.delitem(sys.modules, "torchvision", raising=False)

    monkeypatch.setattr(torchvision_shim, "library_loads", lambda: True)
    assert torchvision_shim.import_torchvision() == "torchvision"
    assert declared == []

    monkeypatch.setattr(torchvision_shim, "library_loads", lambda: False)
    torchvision_shim.import_torchvision()
    assert declared == [True]


@pytest.mark.process
def test_the_package_of_data_sets_imports_nothing_heavy():
    heavy = {"torch", "sklearn", "pandas", "mlflow"}
    code = f"import sys, imbench.data.load; print(*{heavy} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == []
