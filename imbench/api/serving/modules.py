"""Which code of imbench a saved model needs, and which packages that code needs."""

from __future__ import annotations

import ast
import shutil
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.metadata import packages_distributions, version
from pathlib import Path

ROOT = "imbench"
PATH = Path(__file__).parents[2]  # of the package


def modules_for(roots: Iterable[str]) -> dict[str, Path]:
    """Return the modules of imbench that modules import, directly or not, and their files.

    Parameters
    ----------
    roots : iterable of str

    Examples
    --------
    >>> sorted(modules_for(["imbench.strategies.fitted"]))
    ['imbench', 'imbench.strategies', 'imbench.strategies.fitted']
    """
    found: dict[str, Path] = {}
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name in found or (path := _file_of(name)) is None:
            continue
        found[name] = path
        waiting += [parent for parent in [name.rpartition(".")[0]] if parent]
        waiting += [n for n in _imports(path, everywhere=True) if n.split(".")[0] == ROOT]
    return found


def requirements_for(modules: Iterable[Path], more: Iterable[str] = ()) -> list[str]:
    """Return the packages that modules import when they are loaded, with exact versions.

    Parameters
    ----------
    modules : iterable of Path
    more : iterable of str
        Names of further packages, as they are imported.

    Examples
    --------
    >>> [line.split("==")[0] for line in requirements_for([], ["sklearn"])]
    ['scikit-learn']
    """
    imported = {name.split(".")[0] for path in modules for name in _imports(path)}
    names = (imported | set(more)) - {ROOT, *sys.stdlib_module_names}
    owners = _owners()
    wheels = sorted({owners[name][0] for name in names if name in owners})
    return [f"{wheel}=={version(wheel).split('+')[0]}" for wheel in wheels]


@lru_cache(maxsize=1)
def _owners() -> dict[str, list[str]]:
    """Return the wheels of each package that is installed; looked up once, for it takes long."""
    return dict(packages_distributions())


def copy_modules(modules: dict[str, Path], folder: Path) -> Path:
    """Copy modules into a folder in the shape of the package, and return its path there."""
    for path in modules.values():
        target = folder / ROOT / path.relative_to(PATH)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return folder / ROOT


def _file_of(name: str) -> Path | None:
    """Return the file of a module of imbench, None if there is none of that name."""
    place = PATH.joinpath(*name.split(".")[1:])
    for path in (place / "__init__.py", place.with_suffix(".py")):
        if path.is_file():
            return path
    return None


def _imports(path: Path, everywhere: bool = False) -> Iterator[str]:
    """Yield the modules that a file imports, those inside of functions only if ``everywhere``.

    For ``from a import b`` both a and a.b are named: b may be a module.
    """
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        elif everywhere or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting += ast.iter_child_nodes(node)
