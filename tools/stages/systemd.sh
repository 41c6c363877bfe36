#!/usr/bin/env bash
# systemd-analyze verify over etc/systemd, with the paths of the programs as
# they are on this machine.
set -euo pipefail
command -v systemd-analyze >/dev/null ||
    { echo "systemd-analyze is missing; see bindep.txt" >&2; exit 1; }
units=$TEST_DIR/systemd
rm -rf "$units"
mkdir -p "$units"
for unit in etc/systemd/*.service; do
    sed "s|/usr/bin/protector-|$VENV/bin/protector-|" "$unit" \
        >"$units/${unit##*/}"
done
said=$(systemd-analyze verify --man=no "$units"/*.service 2>&1) ||
    { echo "$said"; exit 1; }
# unknown keys and the like are only warnings to systemd-analyze
if grep -F "$units" <<<"$said"; then exit 1; fi
