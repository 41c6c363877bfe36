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
# the page that users were promised is walked where it is at hand
page=$(realpath -m "${PROTECTOR_PAGE:-../shared/reference/protection-groups-api.txt}")
[[ ! -f $page ]] || export PROTECTOR_PAGE=$page
run_stestr functional . "$@"
