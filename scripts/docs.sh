#!/usr/bin/env bash
# Build the site of docs/ into docs/_build/html. A warning is an error; no network is needed.
#   bash scripts/docs.sh                       with the gallery, whose scripts are run
#   bash scripts/docs.sh -D plot_gallery=0     without running them; more words go to sphinx-build
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if ! .venv/bin/python -c "import sphinx" 2>/dev/null; then
  echo "docs: Sphinx is not installed: bash scripts/setup.sh installs it." >&2
  exit 2
fi
# Built anew each time: what the gallery prints depends on the whole package.
rm -rf docs/_build docs/auto_gallery docs/project docs/published
.venv/bin/python -m sphinx -W --keep-going -q -b html "$@" docs docs/_build/html
echo "docs: open docs/_build/html/index.html, or: .venv/bin/python -m imbench docs"
