#!/usr/bin/env bash
# Ten thousand requests that are made of the OpenAPI document; the counts are
# printed. The seed is the same each time, so that a change is judged by what
# it changed; PROTECTOR_FUZZ_SEED sets another, and none when it is empty.
set -euo pipefail
. tools/stages/stestr.sh
export PROTECTOR_FUZZ_SEED=${PROTECTOR_FUZZ_SEED-1}
export PROTECTOR_FUZZ_COUNTS=$TEST_DIR/fuzz
rm -rf "$PROTECTOR_FUZZ_COUNTS"
mkdir -p "$PROTECTOR_FUZZ_COUNTS"
export OS_TEST_PATH=./protector/tests/fuzz
# every request is logged; it takes longer to capture than to answer
export OS_LOG_CAPTURE=0 OS_STDOUT_CAPTURE=1
export OS_TEST_TIMEOUT=${OS_TEST_TIMEOUT:-1100}
status=0
run_stestr fuzz . "$@" || status=$?
# on the stage's log and, as it is the point of it, in a file of its own
python -m protector.tests.fuzz.report "$PROTECTOR_FUZZ_COUNTS" 10000 |
    tee "$PROTECTOR_FUZZ_COUNTS/report" || status=1
exit "$status"
