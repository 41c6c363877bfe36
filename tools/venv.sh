# shellcheck shell=bash
# Sourced. Makes the virtual environment in which this checkout runs.

# find_python: print a Python that can make virtual environments
find_python() {
    local python bare=
    for python in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
        command -v "$python" >/dev/null || continue
        "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
            2>/dev/null || continue
        if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
            command -v "$python"
            return
        fi
        bare=$python
    done
    if [[ -n $bare ]]; then
        echo "$bare has no venv or ensurepip module;" \
            "on Debian or Ubuntu: apt-get install python3-venv" >&2
    else
        echo "Python 3.11 or newer is needed; name it by PYTHON=..." >&2
    fi
    return 1
}

# venv_stamp FILE...: what an environment is made from
venv_stamp() {
    { "$PYTHON_FOUND" -VV; pwd; cat pyproject.toml setup.cfg \
        client/pyproject.toml requirements.txt "$@"; } | sha256sum
}

# make_venv DIR [REQUIREMENTS_FILE...]: make or refresh DIR with this checkout
# and its client installed in place. Instant when nothing it is made from has
# changed; the code itself is read from the checkout.
make_venv() {
    local dir=$1
    shift
    PYTHON_FOUND=$(find_python)
    (
        flock 9
        if [ "$(cat "$dir/.stamp" 2>/dev/null)" = "$(venv_stamp "$@")" ]; then
            exit 0
        fi
        echo "installing into $dir ..." >&2
        rm -f "$dir/.stamp"
        "$PYTHON_FOUND" -m venv --clear "$dir"
        install_checkout "$dir/bin/python" "$@"
        venv_stamp "$@" >"$dir/.stamp"
    ) 9>"$dir.lock"
}

# install_checkout PYTHON [REQUIREMENTS_FILE...]
install_checkout() {
    local python=$1 requirements=() file
    shift
    for file in "$@"; do requirements+=(-r "$file"); done
    # a tree without its git history has no version of its own
    if ! git rev-parse --git-dir >/dev/null 2>&1; then
        export PBR_VERSION=${PBR_VERSION:-0.0.1}
    fi
    "$python" -m pip install -qq --disable-pip-version-check \
        --progress-bar off "${requirements[@]}" -e '.[mysql]' -e ./client
}
