"""Modules and functions stay small enough to be read at once."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 60  # from the first decorator to the last line, the docstring included
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def long_functions(source: str, limit: int = MAX_FUNCTION_LINES) -> list[str]:
    """Return name and length of the functions of a module that are longer than the limit."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, FUNCTIONS):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            n_lines = (node.end_lineno or 0) - first + 1
            if n_lines > limit:
                found.append(f"{node.name}: {n_lines}")
    return found


PATHS = sorted(path for folder in ("imbench", "scripts") for path in (ROOT / folder).rglob("*.py"))
SOURCES = {str(path.relative_to(ROOT)): path.read_text() for path in PATHS}


def test_modules_are_found():
    assert len(SOURCES) > 200
    assert {"imbench/data/table.py", "scripts/docs.py"} < SOURCES.keys()


def test_no_module_is_too_long():
    lengths = {name: len(source.splitlines()) for name, source in SOURCES.items()}
    assert {name: n for name, n in lengths.items() if n > MAX_MODULE_LINES} == {}


def test_no_function_is_too_long():
    found = {name: long_functions(source) for name, source in SOURCES.items()}
    assert {name: functions for name, functions in found.items() if functions} == {}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def f():\n    a = 1\n    return a\n", []),
        ("def f():\n    a = 1\n    b = 2\n    return a\n", ["f: 4"]),
        ('def f():\n    """One.\n\n    Two.\n    """\n', ["f: 5"]),
        ("@first\n@second\ndef f():\n    return 1\n", ["f: 4"]),
        (
            "class A:\n    async def f(self):\n        1\n        2\n        3\n",
            ["f: 4"],
        ),
    ],
)
def test_every_line_of_a_function_counts(source, found):
    assert long_functions(source, limit=3) == found
