#!/usr/bin/env bash
# The three document trees; a warning is an error.
set -euo pipefail
for tree in doc api-ref releasenotes; do
    sphinx-build -W --keep-going -q -b html -d "$TEST_DIR/doctrees/$tree" \
        "$tree/source" "$tree/build/html"
done
