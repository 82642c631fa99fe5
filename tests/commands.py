"""The commands that the pages show: the lines of their blocks, and those inside of sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.conftest import ROOT

GENERATED = ("strategies.md",)  # scripts/docs.py writes it; tests/unit/test_docs.py compares it
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(path for path in (ROOT / "docs").glob("*.md") if path.name not in GENERATED),
    *sorted((ROOT / "docs" / "gallery").glob("plot_*.py")),
]
FENCE = re.compile(r"^ *```([^\n]*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
LITERAL = re.compile(r"(`+)([^`]+)\1")
SHELL = ("", "bash", "console", "sh", "shell")
PROGRAM = re.compile(
    r"(?:\w+=\S* )*(?:\.venv/bin/\w+|python|bash|imbench|pip|eval|curl|cp|createdb|sbatch|qsub|for|"
    r"ssh|docker|mlflow|ray|mv|rm|cd|git|make|npm|wget|export|source|conda|uv)(?: |$)"
)
# What a block without a language may hold that is no command: what a command has printed, words
# that are added to any command, and folders.
PRINTED = re.compile(
    r"[\w-]+: |load average |a fold in |the first fold |processor time |'?(?:metrics|dataset)[./]"
    r"|results/|\w+ +[\w-]+ +exponent in "
)


def pages() -> dict[str, str]:
    """Return the text of each page by its path in the repository."""
    return {p.relative_to(ROOT).as_posix(): p.read_text(encoding="utf-8") for p in PAGES}


def of_blocks(text: str) -> Iterator[str]:
    """Yield the commands of a page's blocks, and every line that cannot be read as one.

    Examples
    --------
    >>> list(of_blocks("```\\npip install . \\\\\\n  -q     quietly\\nload average 1\\n```\\n"))
    ['pip install . -q']
    """
    for language, body in FENCE.findall(text):
        if language.strip() not in SHELL:
            continue
        lines = body.replace("\\\n", " ").splitlines()
        if any(line.startswith("$ ") for line in lines):  # what follows was printed
            lines = [line[2:] for line in lines if line.startswith("$ ")]
        for line in lines:
            if line.strip() and not PRINTED.match(line.strip()):
                yield _without_explanation(line)


def _without_explanation(line: str) -> str:
    """Return a command without what stands right of it, after a # or in a column of its own."""
    command = re.split(r" +# ", line.strip())[0]
    command, *rest = re.split(r" {3,}(?=[\w.][\w ,:();]*)", command)
    more = [part for part in rest if re.match(r"[\w.+]+=|'\w+=|-", part)]  # of a continued line
    return " ".join(" ".join([command, *more]).split())


def of_sentences(text: str) -> Iterator[str]:
    """Yield the commands between backticks that stand in the sentences of a page.

    A program's name alone is no command.

    Examples
    --------
    >>> list(of_sentences("As `pip install\\nimbench`, `imbench` or ``bash x.sh``."))
    ['pip install imbench', 'bash x.sh']
    """
    for _, literal in LITERAL.findall(FENCE.sub("", text)):
        words = " ".join(literal.split())
        if PROGRAM.match(words) and " " in words and not words.startswith("for "):
            yield words


def shown() -> dict[str, list[str]]:
    """Return every command that is shown, with the pages that show it."""
    found: dict[str, list[str]] = {}
    for page, text in pages().items():
        blocks = of_blocks(text)
        if page.endswith(".py"):  # the sentences of a gallery page are comments
            blocks, text = iter(()), re.sub(r"^# ?", "", text, flags=re.MULTILINE)
        for command in (*blocks, *of_sentences(text)):
            found.setdefault(command, []).append(page)
    return found
