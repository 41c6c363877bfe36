#!/usr/bin/env bash
# tools/test.sh [STAGE...]: every check and every test, as CI runs them.
#
# Stages: pep8 docs package systemd client model unit functional failure fuzz
# realcloud, in this order when none is named; each is a script in
# tools/stages. The first five begin while the clouds of realcloud start, the
# others when these have started. failure and realcloud mostly wait, so they
# run beside those that follow, and so do client and model, with what they
# leave of the machine. The environment is .venv-test, logs are in .test/log.
# The last line is `N passed, N failed` over all tests; a failed stage without
# tests counts as one failure.
#
# PROTECTOR_REALCLOUD_DIR names the scripts that start two real clouds
# (default ../shared/realcloud); without them that stage is skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. tools/venv.sh

export TEST_DIR=$PWD/.test
export VENV=$PWD/.venv-test
export PATH=$VENV/bin:$PATH
export PYTHONWARNINGS=${PYTHONWARNINGS:-ignore}
# the tests start hundreds of processes, which would compile all modules anew
unset PYTHONDONTWRITEBYTECODE

# seconds that a stage may take
declare -A LIMIT=([pep8]=120 [unit]=1200 [client]=1500 [functional]=3000
    [fuzz]=1200 [failure]=3000 [model]=3700 [docs]=300 [package]=300
    [systemd]=60 [realcloud]=3800)
STAGES=(pep8 docs package systemd client model unit functional failure fuzz
    realcloud)
# not waited for before the others begin
declare -A BESIDE=([client]=1 [failure]=1 [model]=1 [realcloud]=1)
# begins first; it makes $TEST_DIR/ready/NAME when the others may
FIRST=realcloud
# need not wait for that, but leave it the machine
declare -A MEANWHILE=([pep8]=1 [docs]=1 [package]=1 [systemd]=1 [client]=1)
# how much they leave the machine to others; the clouds cost a lot for as
# long as they run
declare -A NICE=([pep8]=10 [docs]=10 [package]=10 [systemd]=10 [client]=10
    [model]=15)
[[ $(id -u) != 0 ]] || NICE[realcloud]=-5
declare -A PID BEGIN
PASSED=0
FAILED=0

# start_stage NAME: begin it, within its limit
start_stage() {
    local name=$1
    rm -f "$TEST_DIR/result/$name" "$TEST_DIR/ready/$name"
    BEGIN[$name]=$EPOCHSECONDS
    nice -n "${NICE[$name]:-0}" timeout -k 30 "${LIMIT[$name]}" \
        bash "tools/stages/$name.sh" \
        >"$TEST_DIR/log/$name.log" 2>&1 </dev/null &
    PID[$name]=$!
}

# await_ready NAME: wait until it is, if it runs, or has ended
await_ready() {
    local name=$1
    [[ -n ${PID[$name]:-} ]] || return 0
    while [[ ! -e $TEST_DIR/ready/$name ]] && kill -0 "${PID[$name]}" 2>/dev/null
    do
        sleep 1
    done
}

# end_stage NAME: wait for it, print its line, add up its tests
end_stage() {
    local name=$1 log=$TEST_DIR/log/$1.log status=0
    local passed=0 failed=0 skipped=0 word=ok ended
    wait "${PID[$name]}" || status=$?
    ended=$EPOCHSECONDS
    # when it wrote last, if it ran beside those that were waited for
    [[ -z ${BESIDE[$name]:-} ]] || ended=$(stat -c %Y "$log")
    unset "PID[$name]"
    if [[ -s $TEST_DIR/result/$name ]]; then
        read -r passed failed skipped <"$TEST_DIR/result/$name"
    fi
    if ((status == 77)); then
        word=skipped
    elif ((status != 0)); then
        word=FAILED
        ((failed > 0)) || failed=1
        tail -n "${TEST_LOG_LINES:-200}" "$log"
    fi
    PASSED=$((PASSED + passed)) FAILED=$((FAILED + failed))
    printf '%-10s %-7s %4d s' "$name" "$word" $((ended - BEGIN[$name]))
    ((passed + failed + skipped == 0)) ||
        printf '  %d passed, %d failed, %d skipped' \
            "$passed" "$failed" "$skipped"
    ((status != 124)) || printf '  (ran out of %d s)' "${LIMIT[$name]}"
    echo
}

interrupted() {
    local pid
    for pid in "${PID[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
    wait
    exit 130
}

main() {
    local name begin=$SECONDS
    for name in "$@"; do
        [[ -n ${LIMIT[$name]:-} ]] ||
            { echo "no stage $name; there are: ${STAGES[*]}" >&2; exit 2; }
    done
    mkdir -p "$TEST_DIR/log" "$TEST_DIR/result" "$TEST_DIR/ready"
    trap interrupted INT TERM
    make_venv "$VENV" test-requirements.txt doc/requirements.txt
    printf '%-10s %-7s %4d s\n' install ok $((SECONDS - begin))
    for name in "$@"; do [[ $name != "$FIRST" ]] || start_stage "$name"; done
    for name in "$@"; do
        [[ -n ${MEANWHILE[$name]:-} ]] || await_ready "$FIRST"
        [[ -n ${PID[$name]:-} ]] || start_stage "$name"
        [[ -n ${BESIDE[$name]:-} ]] || end_stage "$name"
    done
    for name in "$@"; do [[ -z ${PID[$name]:-} ]] || end_stage "$name"; done
    echo "$PASSED passed, $FAILED failed"
    ((FAILED == 0))
}

(($#)) || set -- "${STAGES[@]}"
main "$@"
