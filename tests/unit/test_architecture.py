"""The diagram of docs/architecture.md shows every package, and what it imports."""

import re

import grimp
import pytest

from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
DIAGRAM = re.findall(r"^```mermaid\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[0]


@pytest.fixture(scope="module")
def graph():
    return grimp.build_graph("imbench", exclude_type_checking_imports=True)


def packages_of(graph):
    """Return the names of the packages below ``imbench``, such as ``models.nets``."""
    inner = {module for module in graph.modules if graph.find_children(module)}
    return {module.removeprefix("imbench.") for module in inner if module != "imbench"}


def package_of(module, packages):
    """Return the innermost package of a module; a module beside the packages stands for itself."""
    name = module.removeprefix("imbench.")
    while name not in packages and "." in name:
        name = name.rpartition(".")[0]
    return name


def is_inside(package, other):
    return f"{package}.".startswith(f"{other}.") or f"{other}.".startswith(f"{package}.")


def arrows_of(graph):
    """Return the packages that each package imports, without those inside of each other."""
    packages = packages_of(graph)
    found = {}
    for module in graph.modules - {"imbench", "imbench.__main__"}:
        package = package_of(module, packages)
        imported = graph.find_modules_directly_imported_by(module) - {"imbench"}
        names = {package_of(name, packages) for name in imported}
        found.setdefault(package, set()).update(n for n in names if not is_inside(n, package))
    return found


def reachable(arrows, package):
    """Return every package that can be reached from one."""
    found, new = set(), set(arrows[package])
    while new:
        found |= new
        new = {target for name in new for target in arrows[name]} - found
    return found


def without_shortcuts(arrows):
    """Leave out the arrows that other arrows imply."""
    return {
        (package, target)
        for package, targets in arrows.items()
        for target in targets
        if not any(target in reachable(arrows, other) for other in targets - {target})
    }


def test_the_diagram_shows_every_package(graph):
    nodes = re.findall(r'^ *\w+\["?([\w/]+)"?\]$', DIAGRAM, re.MULTILINE)
    assert len(nodes) == len(set(nodes))
    assert {node.replace("/", ".") for node in nodes} == arrows_of(graph).keys()


def test_its_arrows_are_the_imports_between_packages(graph):
    drawn = re.findall(r"^ *(\w+) --> (\w+)$", DIAGRAM, re.MULTILINE)
    found = {tuple(name.replace("_", ".") for name in arrow) for arrow in drawn}
    assert len(drawn) == len(found)
    assert found == without_shortcuts(arrows_of(graph))


def test_implied_arrows_are_left_out():
    arrows = {"a": {"b", "c"}, "b": {"c"}, "c": set()}
    assert without_shortcuts(arrows) == {("a", "b"), ("b", "c")}


def test_every_package_is_described(graph):
    table = PAGE.partition("## Packages")[2].partition("\n## ")[0]
    described = re.findall(r"^\| `([\w/]+)` \|", table, re.MULTILINE)
    assert len(described) == len(set(described))
    assert {name.replace("/", ".") for name in described} == arrows_of(graph).keys()


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_a_page_names_exist(page):
    text = page.read_text(encoding="utf-8")
    paths = re.findall(r"[`(]((?:imbench|conf|docs|scripts|tests)/[\w/.-]+)[`)]", text)
    assert [path for path in paths if not (ROOT / path).exists()] == []
