#!/usr/bin/env bash
# The functional tests, with a private MariaDB and RabbitMQ.
set -euo pipefail
. tools/stages/stestr.sh
trap 'tools/infra.sh down' EXIT
trap 'exit 143' TERM INT
tools/infra.sh up
. "$TEST_DIR/infra/env"
export OS_TEST_PATH=./protector/tests/functional
export OS_TEST_TIMEOUT=${OS_TEST_TIMEOUT:-900}
find_page
run_stestr functional . "$@"
