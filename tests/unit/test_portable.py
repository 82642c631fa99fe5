"""Nothing that only Linux or macOS has is needed to import imbench, or to run a fold."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import imbench

PACKAGE = Path(imbench.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
POSIX_MODULES = (
    "fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty",
)  # fmt: skip
POSIX_NAMES = {
    "os": (
        "fork", "forkpty", "getgid", "getloadavg", "getpgid", "getuid", "geteuid", "killpg",
        "mkfifo", "nice", "posix_fadvise", "posix_fallocate", "sched_getaffinity",
        "sched_setaffinity", "setpgid", "setsid", "sysconf", "sysconf_names", "uname", "wait4",
    ),
    "signal": ("SIGHUP", "SIGKILL", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM", "alarm"),
}  # fmt: skip

# Other packages are imported first: what they need on Windows is their own matter.
PROBE = f"""
import importlib, os, pkgutil, signal, sys, warnings
warnings.simplefilter("ignore")

def names():
    import imbench
    found = pkgutil.walk_packages(imbench.__path__, "imbench.")
    return ["imbench", *sorted(m.name for m in found if not m.name.startswith("imbench.testing"))]

for name in names():
    importlib.import_module(name)
for name in [n for n in sys.modules if n.partition(".")[0] == "imbench"]:
    del sys.modules[name]
for name in {POSIX_MODULES!r}:
    sys.modules[name] = None
for module, attributes in {POSIX_NAMES!r}.items():
    for attribute in attributes:
        if hasattr(sys.modules[module], attribute):
            delattr(sys.modules[module], attribute)
found = names()
for name in found:
    importlib.import_module(name)

from imbench.run.environment import hardware, n_cores, peak_bytes
from imbench.run.processes import _memory_bytes
assert n_cores() >= 1 and _memory_bytes() > 0 and peak_bytes("cpu") == 0 and hardware()["cores"]
print(len(found))
"""


@pytest.mark.process
def test_every_module_is_imported_without_what_only_posix_has():
    done = subprocess.run(
        [sys.executable, "-c", PROBE], capture_output=True, text=True, cwd=PACKAGE.parent
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 150


def guarded(tree):
    """Return the lines inside of an ``if``, ``try`` or function that asks for a name first."""
    asks = (ast.If, ast.Try, ast.IfExp, ast.FunctionDef)
    return {
        line
        for node in ast.walk(tree)
        if isinstance(node, asks) and ("hasattr" in ast.unparse(node) or isinstance(node, ast.Try))
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }


def unguarded(text):
    """Return the POSIX names that a module uses without asking for them, with their lines."""
    tree = ast.parse(text)
    known = guarded(tree)
    return [
        f"{node.lineno}: {node.value.id}.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.attr in POSIX_NAMES.get(node.value.id, ())
        and node.lineno not in known
    ]


def test_a_name_that_only_posix_has_is_asked_for():
    assert unguarded("import os\nos.fork()\n") == ["2: os.fork"]
    found = {path: unguarded(path.read_text(encoding="utf-8")) for path in FILES}
    assert {path: lines for path, lines in found.items() if lines} == {}


UNPICKLERS = ("pickle.load", "joblib.load", "torch.load", "read_pickle", "dill.", "cloudpickle.")


# A command and its own worker processes talk through pipes that nobody else can open.
PIPES = ("run/executors/pool.py", "run/executors/worker.py")


def test_nothing_is_unpickled_from_files():
    texts = {path.relative_to(PACKAGE).as_posix(): path.read_text("utf-8") for path in FILES}
    own = "pickle.loads(pickle.dumps(dataset))"  # the contract unpickles what it has pickled
    texts["testing/datasets.py"] = texts["testing/datasets.py"].replace(own, "")
    for name in PIPES:
        assert "open(" not in texts[name].replace("fdopen(", "").replace("Popen(", "").replace(
            'open(os.devnull, "rb")', ""
        )
        del texts[name]
    words = (*UNPICKLERS, "allow_pickle=True")
    assert {(name, word) for name, text in texts.items() for word in words if word in text} == set()
