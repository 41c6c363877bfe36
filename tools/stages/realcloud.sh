#!/usr/bin/env bash
# The end-to-end story on two real clouds. The scripts in
# $PROTECTOR_REALCLOUD_DIR start them (install.sh, up.sh, seed.sh, down.sh);
# clouds that already run are used and left running. Exits 77 when there are
# no such scripts.
set -euo pipefail
. tools/stages/stestr.sh
PROTECTOR_REALCLOUD_DIR=$(realpath -m \
    "${PROTECTOR_REALCLOUD_DIR:-../shared/realcloud}")
export PROTECTOR_REALCLOUD_DIR
export RC_HOME=${RC_HOME:-/opt/realcloud}
bed=$PROTECTOR_REALCLOUD_DIR
if [[ ! -x $bed/up.sh ]]; then
    echo "no $bed/up.sh"
    exit 77
fi

# the bed has an environment of its own and must not see ours
outside() { env PATH="${PATH#"$VENV/bin:"}" "$@"; }

running() {
    local pid at
    [[ -s $RC_HOME/$1.pid ]] && read -r pid at <"$RC_HOME/$1.pid" &&
        [[ $(cut -d' ' -f22 "/proc/$pid/stat" 2>/dev/null) == "$at" ]]
}

clean_up() {
    tools/infra.sh down
    [[ -z ${ours:-} ]] || outside "$bed/down.sh" all
}

running infra/run/mysql || ours=yes
trap clean_up EXIT
trap 'exit 143' TERM INT
outside "$bed/install.sh"
tools/infra.sh up &
infra=$!
outside "$bed/up.sh" site-a &
first=$!
outside "$bed/up.sh" site-b
wait "$first"
outside "$bed/seed.sh" site-a site-b
wait "$infra"

. "$TEST_DIR/infra/env"
export OS_CLIENT_CONFIG_FILE=${OS_CLIENT_CONFIG_FILE:-$RC_HOME/clouds.yaml}
export OS_TEST_PATH=./protector/tests/realcloud
export OS_TEST_TIMEOUT=${OS_TEST_TIMEOUT:-900}
run_stestr realcloud .
