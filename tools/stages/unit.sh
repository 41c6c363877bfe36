#!/usr/bin/env bash
# The unit tests of the service, in parallel.
set -euo pipefail
. tools/stages/stestr.sh
run_stestr unit . "$@"
