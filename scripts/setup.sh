#!/usr/bin/env bash
# Make .venv and install the exact versions of constraints.txt. Does nothing the second time.
# Called by quickstart.sh and test.sh; PYTHON names the interpreter (Python 3.11 or newer).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

python=${PYTHON:-}
if [ -z "$python" ]; then
  python=$(command -v python3.11 || command -v python3) || {
    echo "setup: no python3.11 or python3 found; install Python 3.11 or set PYTHON=." >&2
    exit 1
  }
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "setup: $python is $("$python" -V 2>&1), imbench needs Python 3.11 or newer; set PYTHON=." >&2
  exit 1
fi

stamp=.venv/.imbench-installed
# The checkout's place is part of it: a virtual environment that was moved does not work.
wanted=$({ pwd; "$python" -V; cat pyproject.toml constraints.txt; } | cksum)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
  exit 0
fi

echo "setup: installing into .venv (once, some minutes)"
rm -f "$stamp"
[ -x .venv/bin/python ] || "$python" -m venv .venv
export PIP_DISABLE_PIP_VERSION_CHECK=1
export PIP_CONSTRAINT=$PWD/constraints.txt # an environment variable, so that it holds for builds too
# torch first and pinned exactly: where a CPU build of that version is offered pip takes it,
# while a range would take the newest CUDA build.
.venv/bin/python -m pip install --quiet --no-compile "$(grep '^torch==' constraints.txt)"
.venv/bin/python -m pip install --quiet --no-compile --editable '.[dev]'
# pip compiles on one core. Files for other versions of Python do not compile, with pip neither.
.venv/bin/python -m compileall -qq -j 0 .venv/lib || true
echo "$wanted" >"$stamp"
