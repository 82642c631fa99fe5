"""Streams that are closed, full or ASCII only, names that act on terminals, files that explode."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.text import Text

from imbench.api.console import SafeConsole
from imbench.cli import main, streams
from imbench.components.visible import visible
from imbench.config.yaml_files import check_yaml
from imbench.errors import ConfigError
from tests.conftest import ROOT

NAMES = (
    "\x1b[31mred", "\x1b]0;title\x07", "a\x08\x08b", "a\rb", "a\nb", "\u202eevil", "\u2066x\u2069",
    "\x9b31m", "\x00", "\u2028", "\udcff",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_names_are_shown_escaped(name):
    assert visible(name).isprintable()
    stream = io.StringIO()
    SafeConsole(file=stream, width=60, force_terminal=True, color_system=None).print(Text(name))
    assert stream.getvalue().replace("\n", "").isprintable()


@pytest.mark.parametrize("name", ["Zürich", "北京", "naïve 'x'", "a b", "🐟"])
def test_names_that_are_printed_as_they_are(name):
    assert visible(name) == name


class Failing(io.StringIO):
    """A stream that cannot be written to."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def write(self, text):
        raise self.error

    def flush(self):
        raise self.error

    def fileno(self):
        raise ValueError("none")


@pytest.mark.parametrize("words", [["--help"], ["list", "datasets"], ["--version"], ["--cfg"]])
def test_a_full_standard_output_is_one_sentence(words, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", Failing(OSError(28, "No space left on device")))
    assert main(words) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert "standard output cannot be written (No space left on device)" in line


@pytest.mark.parametrize("words", [["--help"], ["list", "datasets"]])
def test_a_reader_that_has_gone_is_no_error(words, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", Failing(BrokenPipeError(32, "Broken pipe")))
    assert main(words) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("error", [OSError(28, "No space left"), BrokenPipeError(32, "gone")])
def test_what_standard_error_cannot_take_is_lost(error, monkeypatch, capsys):
    failing = Failing(error)
    monkeypatch.setattr(sys, "stderr", failing)
    monkeypatch.setattr(sys, "__stderr__", failing)
    assert main(["device=gpu", "--cfg", "strategy=smot"]) == 2
    assert sys.stderr is failing


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_closed_stream_leads_nowhere(name, monkeypatch):
    monkeypatch.setattr(sys, name, None)
    assert main(["list", "models"]) == 0
    assert main(["seed=x", "strategy=smot"]) == 2
    assert getattr(sys, name) is None


def test_ascii_shows_what_looks_alike(monkeypatch):
    content = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(content, encoding="ascii"))
    with streams.ready_streams():
        print("0.9 ± 0.1 · Zürich")
        assert main(["list", "strategies"]) == 0
    assert b"0.9 +- 0.1 - Z\\xfcrich\n" in content.getvalue()
    assert content.getvalue().isascii()


@pytest.mark.process
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", ">/dev/full", ">/dev/full 2>&1"])
def test_processes_with_such_streams(closed):
    done = subprocess.run(
        ["sh", "-c", f'"$0" -m imbench --version {closed}', sys.executable],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == (3 if "full" in closed else 0)
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


NO_NODES = "b: &a\n  c: *a\n"
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{c}: &{c} [{','.join(['*' + p] * 9)}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True)
)
FILES = {
    "bomb": (BOMB, "100,000 values"),
    "itself": (NO_NODES, "contains itself"),
    "deep": ("[" * 3000 + "]" * 3000, "nests"),
    "levels": ("a: " + "[" * 80 + "]" * 80, "nests more than 50 levels"),
    "large": ("# " + "x" * 1_100_000, "1,000,000"),
    "binary": (b"\xff\xfe\x00", "cannot be read"),
    "ring": (
        "defaults: [ring, _self_]\n",
        "itself (strategy/ring includes strategy/ring)",
    ),
    "ring-list": ("defaults:\n  - /strategy: [ring-list]\n", "includes itself"),
    "ring-dict": ("defaults:\n  - override /strategy@x: ring-dict\n", "includes itself"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_yaml_file_that_explodes_is_refused(name, tmp_path, capsys):
    content, words = FILES[name]
    path = tmp_path / "strategy" / f"{name}.yaml"
    path.parent.mkdir()
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert main([f"--config-dir={tmp_path}", f"strategy={name}"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{name}.yaml" in line
    assert words in line
    assert line.endswith((".", "?"))


def test_two_files_that_include_each_other(tmp_path):
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / f"{name}.yaml").write_text(f"defaults: [{other}]\n")
    with pytest.raises(ConfigError, match="includes itself"):
        check_yaml(tmp_path, sorted(tmp_path.glob("*.yaml")))


@pytest.mark.parametrize("kind", ["fifo", "folder", "loop", "dangling"])
def test_what_is_no_file_is_refused(kind, tmp_path):
    path = tmp_path / "x.yaml"
    if kind == "fifo":
        if not hasattr(os, "mkfifo"):
            pytest.skip("this system has no fifos")
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(path if kind == "loop" else tmp_path / "nowhere")
    with pytest.raises(ConfigError, match=r"x\.yaml(: is not a file| cannot be read)"):
        check_yaml(tmp_path, [path])


def test_a_python_tag_constructs_nothing(tmp_path, capsys):
    path = tmp_path / "strategy" / "tag.yaml"
    path.parent.mkdir()
    path.write_text(f"about: !!python/object/apply:os.mkdir ['{tmp_path}/made']\n")
    assert main([f"--config-dir={tmp_path}", "strategy=tag"]) == 2
    assert "tag.yaml" in capsys.readouterr().err
    assert not (tmp_path / "made").exists()


def test_a_shared_anchor_is_no_bomb(tmp_path):
    path = Path(tmp_path, "x.yaml")
    path.write_text("a: &a {b: 1}\nc: *a\nd: [*a, *a]\n")
    check_yaml(tmp_path, [path])
