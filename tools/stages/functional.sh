#!/usr/bin/env bash
# The functional tests, with a private MariaDB and RabbitMQ. The counts of the
# cases in which real processes were disturbed are printed.
set -euo pipefail
. tools/stages/stestr.sh
trap 'tools/infra.sh down' EXIT
trap 'exit 143' TERM INT
tools/infra.sh up
. "$TEST_DIR/infra/env"
export OS_TEST_PATH=./protector/tests/functional
export OS_TEST_TIMEOUT=${OS_TEST_TIMEOUT:-900}
find_page
export PROTECTOR_MATRIX_COUNTS=$TEST_DIR/disturbed
rm -rf "$PROTECTOR_MATRIX_COUNTS"
mkdir -p "$PROTECTOR_MATRIX_COUNTS"
status=0
run_stestr functional . "$@" || status=$?
# a filter may leave no such test
if compgen -G "$PROTECTOR_MATRIX_COUNTS/*.json" >/dev/null; then
    python -m protector.tests.failure.report "$PROTECTOR_MATRIX_COUNTS" |
        tee "$PROTECTOR_MATRIX_COUNTS/report" || status=1
fi
exit "$status"
