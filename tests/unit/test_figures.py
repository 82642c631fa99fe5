"""Every picture of README and docs carries the command that makes it."""

import re

import pytest

from tests.commands import of_sentences, pages
from tests.conftest import ROOT

PICTURE = re.compile(r"!\[[^]]*\]\(([^)]+)\)\n\n(.*?)(?:\n\n|\Z)", re.DOTALL)
ANY = re.compile(r"!\[|<img |```\{(?:image|figure)")
PICTURES = [
    (page, path, below) for page, text in pages().items() for path, below in PICTURE.findall(text)
]


def test_all_pictures_are_found() -> None:
    assert len(PICTURES) == sum(len(ANY.findall(text)) for text in pages().values())
    assert len(PICTURES) >= 6


@pytest.mark.parametrize(("page", "path", "below"), PICTURES)
def test_a_picture_carries_its_command(page: str, path: str, below: str) -> None:
    assert (ROOT / page).parent.joinpath(path).is_file()
    name = path.rpartition("/")[2]
    scripts = re.findall(r"`python (scripts/\w+\.py)[^`]*`", pages()[page])  # that write the page
    writes = [s for s in scripts if name in (ROOT / s).read_text(encoding="utf-8")]
    assert list(of_sentences(below)) or writes, (
        f"{page}: name the command that makes {path} in the paragraph below it."
    )
