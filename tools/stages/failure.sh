#!/usr/bin/env bash
# The matrices: engines that die at every moment of every workflow or pause,
# and neighbours that misbehave. The counts of the cases are printed, and what
# a site that hangs costs an unplanned failover beyond one that is gone.
set -euo pipefail
. tools/stages/stestr.sh
export PROTECTOR_MATRIX_COUNTS=$TEST_DIR/failure
rm -rf "$PROTECTOR_MATRIX_COUNTS"
mkdir -p "$PROTECTOR_MATRIX_COUNTS"
export OS_TEST_PATH=./protector/tests/failure
# what the sites log goes to standard error, which a failure shows
export OS_LOG_CAPTURE=0 OS_STDOUT_CAPTURE=1
export OS_TEST_TIMEOUT=${OS_TEST_TIMEOUT:-900}
# of cases, when all tests run
least=("kill=1100" "outage=1250" "bad neighbour=600" "paused engine=50"
    "pair of engines=400" "black hole=4")
(($# == 0)) || least=()
status=0
# they wait for two thirds of their time
run_stestr failure . --concurrency 4 "$@" || status=$?
# on the stage's log and, as it is the point of it, in a file of its own
python -m protector.tests.failure.report "$PROTECTOR_MATRIX_COUNTS" \
    "${least[@]}" |
    tee "$PROTECTOR_MATRIX_COUNTS/report" || status=1
# when the machine has become quieter; a filter is for something else
(($#)) || python tools/bench/unplanned.py --check |
    tee "$PROTECTOR_MATRIX_COUNTS/unplanned" || status=1
exit "$status"
