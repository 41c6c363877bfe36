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

# venv_stamp PIP_ARGUMENT...: what an environment is made from
venv_stamp() {
    local word
    "$PYTHON_FOUND" -VV
    pwd
    printf '%s\n' "$@"
    cat pyproject.toml setup.cfg client/pyproject.toml requirements.txt
    for word; do [[ ! -f $word ]] || cat "$word"; done
}

# make_venv DIR [REQUIREMENTS_FILE...]: make or refresh DIR with this checkout
# and its client installed in place. Instant when nothing it is made from has
# changed; the code itself is read from the checkout.
make_venv() {
    local dir=$1 file requirements=()
    shift
    for file in "$@"; do requirements+=(-r "$file"); done
    pip_venv "$dir" "${requirements[@]}" -e '.[mysql]' -e ./client
}

# pip_venv DIR PIP_ARGUMENT...: make or refresh DIR with what pip is to install
pip_venv() {
    local dir=$1 stamp
    shift
    PYTHON_FOUND=$(find_python)
    stamp=$(venv_stamp "$@" | sha256sum)
    (
        flock 9
        if [ "$(cat "$dir/.stamp" 2>/dev/null)" = "$stamp" ]; then
            exit 0
        fi
        echo "installing into $dir ..." >&2
        rm -f "$dir/.stamp"
        # a tree without its git history has no version of its own
        if ! git rev-parse --git-dir >/dev/null 2>&1; then
            export PBR_VERSION=${PBR_VERSION:-0.0.1}
        fi
        "$PYTHON_FOUND" -m venv --clear "$dir"
        "$dir/bin/python" -m pip install -qq --disable-pip-version-check \
            --progress-bar off "$@"
        echo "$stamp" >"$dir/.stamp"
    ) 9>"$dir.lock"
}
