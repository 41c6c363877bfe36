#!/usr/bin/env bash
# tools/sandbox.sh demo | up | down | status | ...: the whole product on one
# machine. Makes .venv in the checkout when needed, then runs
# protector-sandbox; see `tools/sandbox.sh --help`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. tools/venv.sh
make_venv "$PWD/.venv"
exec "$PWD/.venv/bin/protector-sandbox" "$@"
