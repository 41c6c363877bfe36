# shellcheck shell=bash
# Sourced by the stages that run tests.

# run_stestr STAGE DIR [--OPTION|REGEX...]: run stestr in DIR and leave "passed
# failed skipped" for tools/test.sh; fails when a test failed or did not run
run_stestr() {
    local stage=$1 status=0 argument tally=$PWD/tools/stages/tally.py
    local weigh=$PWD/tools/stages/weigh.py weights=$PWD/tools/stages/$1.weights
    local repository=$TEST_DIR/stestr/$1 listed=$TEST_DIR/stestr/$1.listed
    local filters=()
    cd "$2"
    shift 2
    rm -rf "$repository"
    mkdir -p "$TEST_DIR/result" "$repository"
    for argument in "$@"; do
        [[ $argument == --* ]] || filters+=("$argument")
    done
    stestr --repo-url "$repository" init
    stestr --repo-url "$repository" list "${filters[@]}" >"$listed"
    [[ ! -f $weights ]] ||
        python "$weigh" "$repository" "$listed" "$weights"
    stestr --repo-url "$repository" run "$@" || status=$?
    stestr --repo-url "$repository" last --subunit |
        python "$tally" "$listed" "$TEST_DIR/result/$stage" || status=1
    return "$status"
}

# find_page: the page that users were promised is walked where it is at hand
find_page() {
    local page=../shared/reference/protection-groups-api.txt
    page=$(realpath -m "${PROTECTOR_PAGE:-$page}")
    [[ ! -f $page ]] || export PROTECTOR_PAGE=$page
}
