#!/usr/bin/env bash
# The unit tests of the client distribution.
set -euo pipefail
. tools/stages/stestr.sh
run_stestr client client
