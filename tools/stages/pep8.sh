#!/usr/bin/env bash
# The style checks: the hooks of .pre-commit-config.yaml over every file.
set -euo pipefail
export PRE_COMMIT_HOME=$TEST_DIR/pre-commit
pre-commit run --all-files --show-diff-on-failure --color never
