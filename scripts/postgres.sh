#!/usr/bin/env bash
# Install Debian's PostgreSQL for the tests of shared studies, where that is possible without asking.
# Called by test.sh; without it those tests skip and say so.
set -euo pipefail
if command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
  exit 0
fi
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
  echo "postgres: installing postgresql with apt-get (once)"
  export DEBIAN_FRONTEND=noninteractive
  if timeout 300 apt-get update -qq && timeout 300 apt-get install -y -qq --no-install-recommends postgresql >/dev/null; then
    exit 0
  fi
fi
echo "postgres: no PostgreSQL here: the tests of shared studies will skip." >&2
