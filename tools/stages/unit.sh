#!/usr/bin/env bash
# The unit tests of the service, in parallel.
set -euo pipefail
. tools/stages/stestr.sh
# other stages may run beside this one
export OS_TEST_TIMEOUT=${OS_TEST_TIMEOUT:-180}
run_stestr unit . "$@"
