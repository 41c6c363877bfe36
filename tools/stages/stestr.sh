# shellcheck shell=bash
# Sourced by the stages that run tests.

# run_stestr STAGE DIR [ARGUMENT...]: run stestr in DIR and leave "passed
# failed skipped" for tools/test.sh; fails as stestr does
run_stestr() {
    local stage=$1 repository=$TEST_DIR/stestr/$1 status=0
    cd "$2"
    shift 2
    rm -rf "$repository"
    mkdir -p "$TEST_DIR/result" "$repository"
    stestr --repo-url "$repository" init
    stestr --repo-url "$repository" run "$@" || status=$?
    stestr --repo-url "$repository" last --subunit | subunit-stats | awk '
        /^Passed tests/ { passed = $NF }
        /^Failed tests/ { failed = $NF }
        /^Skipped tests/ { skipped = $NF }
        END { print passed + 0, failed + 0, skipped + 0 }
    ' >"$TEST_DIR/result/$stage" || true
    return "$status"
}
