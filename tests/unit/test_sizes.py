"""Modules and functions stay small enough to be read at once."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "imbench"
MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 60  # from def to the last line, without the docstring
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def long_functions(source: str, limit: int = MAX_FUNCTION_LINES) -> list[str]:
    """Return name and length of the functions of a module that are longer than the limit."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, FUNCTIONS):
            n_lines = (node.end_lineno or 0) - node.lineno + 1 - docstring_lines(node)
            if n_lines > limit:
                found.append(f"{node.name}: {n_lines}")
    return found


def docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    if ast.get_docstring(node) is None:
        return 0
    docstring = node.body[0]
    return (docstring.end_lineno or 0) - docstring.lineno + 1


MODULES = sorted(str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py"))


def test_modules_are_found():
    assert len(MODULES) > 100


def test_no_module_is_too_long():
    lengths = {name: len((PACKAGE / name).read_text().splitlines()) for name in MODULES}
    assert {name: n for name, n in lengths.items() if n > MAX_MODULE_LINES} == {}


def test_no_function_is_too_long():
    found = {name: long_functions((PACKAGE / name).read_text()) for name in MODULES}
    assert {name: functions for name, functions in found.items() if functions} == {}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("    return 1\n", []),
        ("    a = 1\n    b = 2\n    return a\n", ["f: 4"]),
        ('    """One.\n\n    Two.\n    """\n    return 1\n', []),
    ],
)
def test_the_docstring_does_not_count(body, found):
    assert long_functions(f"def f():\n{body}", limit=3) == found
