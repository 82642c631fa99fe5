"""The layers of the package: imports point downwards only, and there are no import cycles."""

from graphlib import TopologicalSorter

import grimp
import pytest

# From the bottom to the top. A package may import those before it, and no other.
LAYERS = (
    "errors",
    "components",
    "data",
    "strategies",
    "models",
    "pipeline",
    "results",
    "config",
    "run",
    "report",
    "api",
    "cli",
    "testing",
)
TOP = {"imbench", "imbench.__main__"}  # the public names, and the command


@pytest.fixture(scope="module")
def graph():
    return grimp.build_graph("imbench", exclude_type_checking_imports=True)


def layer_of(module):
    return LAYERS.index(module.split(".")[1])


def imports_of(graph):
    """Return (importer, imported) for every import between two modules of the package."""
    modules = graph.modules - TOP
    return [
        (module, found)
        for module in sorted(modules)
        for found in sorted(graph.find_modules_directly_imported_by(module) & modules)
    ]


def test_every_package_has_a_layer(graph):
    assert {m.split(".")[1] for m in graph.modules - TOP} == set(LAYERS)


def test_imports_point_downwards(graph):
    upwards = [pair for pair in imports_of(graph) if layer_of(pair[0]) < layer_of(pair[1])]
    assert not upwards


def test_there_are_no_import_cycles(graph):
    found = {module: set() for module in graph.modules}
    for module, imported in imports_of(graph):
        found[module].add(imported)
    assert len(list(TopologicalSorter(found).static_order())) == len(graph.modules)
