#!/usr/bin/env bash
# The tests of the client distribution, with the oldest libraries that it takes
# (client/constraints-oldest.txt) and with the newest.
set -euo pipefail
. tools/venv.sh
. tools/stages/stestr.sh

mkdir -p "$TEST_DIR/venv"
what=(-r client/test-requirements.txt -e ./client)
pip_venv "$TEST_DIR/venv/oldest" -c client/constraints-oldest.txt "${what[@]}"
pip_venv "$TEST_DIR/venv/newest" "${what[@]}"

status=0
for libraries in oldest newest; do
    (
        PATH=$TEST_DIR/venv/$libraries/bin:$PATH
        run_stestr "client-$libraries" client "$@"
    ) || status=$?
done
cat "$TEST_DIR"/result/client-{oldest,newest} | awk '
    { passed += $1; failed += $2; skipped += $3 }
    END { print passed, failed, skipped }
' >"$TEST_DIR/result/client"
exit "$status"
