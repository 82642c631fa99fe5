#!/usr/bin/env bash
# Install Chromium for the tests of the report page, where that is possible without asking.
# Called by test.sh; without a browser those tests skip and say so.
set -euo pipefail
if command -v chromium >/dev/null || command -v chromium-browser >/dev/null; then
  exit 0
fi
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
  echo "browser: installing chromium with apt-get (once)"
  export DEBIAN_FRONTEND=noninteractive
  if timeout 300 apt-get update -qq && timeout 300 apt-get install -y -qq --no-install-recommends chromium >/dev/null; then
    exit 0
  fi
fi
echo "browser: no chromium here: the tests of the report page will skip." >&2
