#!/usr/bin/env bash
# Random scenarios on two sites in memory, whose invariants hold at each step;
# the counts are printed. They are the same each time, so that a change is
# judged by what it changed; PROTECTOR_MODEL_SEED sets others, and
# PROTECTOR_MODEL_SCENARIOS how many.
set -euo pipefail
. tools/stages/stestr.sh
export PROTECTOR_MODEL_SEED=${PROTECTOR_MODEL_SEED:-1}
export PROTECTOR_MODEL_SCENARIOS=${PROTECTOR_MODEL_SCENARIOS:-500}
export PROTECTOR_MODEL_COUNTS=$TEST_DIR/model
rm -rf "$PROTECTOR_MODEL_COUNTS"
mkdir -p "$PROTECTOR_MODEL_COUNTS"
export OS_TEST_PATH=./protector/tests/model
# what the sites log takes longer to capture than what they do
export OS_LOG_CAPTURE=0 OS_STDOUT_CAPTURE=1
export OS_TEST_TIMEOUT=${OS_TEST_TIMEOUT:-3700}
# the order of sets is the same, too
export PYTHONHASHSEED=0
status=0
run_stestr model . "$@" || status=$?
# on the stage's log and, as it is the point of it, in a file of its own
python -m protector.tests.model.counts \
    "$PROTECTOR_MODEL_COUNTS" "$PROTECTOR_MODEL_SCENARIOS" |
    tee "$PROTECTOR_MODEL_COUNTS/report" || status=1
exit "$status"
