#!/usr/bin/env bash
# Pin every library with hashes and without any registry's address.
set -eu
cd "$(dirname "$0")/.."
tool=$(mktemp -d)
trap 'rm -rf "$tool"' EXIT
python3 -m venv "$tool/env"
"$tool/env/bin/pip" -q install uv
compile=("$tool/env/bin/uv" pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --python-version 3.11 pyproject.toml)
"${compile[@]}" -o requirements/agent.txt
"${compile[@]}" --extra collector -o requirements/collector.txt
"${compile[@]}" --extra collector --extra parquet -o requirements/collector-parquet.txt
"${compile[@]}" --extra collector --extra parquet --group dev -o requirements/dev.txt
