#!/usr/bin/env bash
# Gets what the tests drive from outside Python: a browser, network namespaces, foreign clients. Quiet and quick when
# everything is there; tests whose tool is missing say so: those of PostgreSQL, a browser and
# namespaces fail (CONTRIBUTING.md says how to leave them out), those of foreign clients are skipped.
set -eu
cd "$(dirname "$0")"

missing=()
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || missing+=(chromium)
command -v ip >/dev/null || missing+=(iproute2)
command -v curl >/dev/null || missing+=(curl)
command -v npm >/dev/null || missing+=(nodejs npm)
command -v cc >/dev/null || missing+=(gcc libc6-dev)
command -v iperf3 >/dev/null || missing+=(iperf3)
command -v ping >/dev/null || missing+=(iputils-ping)
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null || missing+=(postgresql)
command -v nsenter >/dev/null || missing+=(util-linux)
if [ "${1:-}" = pictures ]; then # for the documents alone: small files, and the font that stands in for Segoe UI
  command -v pngquant >/dev/null || missing+=(pngquant)
  fc-list : family 2>/dev/null | grep -q 'Open Sans' || missing+=(fonts-open-sans)
fi

if [ "${#missing[@]}" -gt 0 ]; then
  if command -v apt-get >/dev/null; then
    root=()
    if [ "$(id -u)" -ne 0 ]; then
      command -v sudo >/dev/null && root=(sudo -n)
    fi
    "${root[@]}" apt-get update -qq >/dev/null || true
    DEBIAN_FRONTEND=noninteractive "${root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
      echo "tools: could not install ${missing[*]}; the tests that need them will say so" >&2
  else
    echo "tools: please install ${missing[*]}; the tests that need them will say so" >&2
  fi
fi

# Exact versions with hashes stand in the lock file, which names no place to take them from: that is npm's own setting.
lock=clients/package-lock.json
stamp=clients/node_modules/.stamp
if command -v npm >/dev/null && ! cmp -s "$lock" "$stamp"; then
  if (cd clients && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null); then
    cp "$lock" "$stamp"
  else
    echo "tools: could not install what tests take from npm; tests that need it are skipped" >&2
  fi
fi
