#!/usr/bin/env bash
# Both distributions install from their wheels into a fresh environment, with
# their data files, and the commands and generators answer there.
set -euo pipefail
work=$TEST_DIR/package
rm -rf "$work"
mkdir -p "$work"

# A build leaves files behind, and takes in what an older one left: so from a
# clone, with what is not committed yet on top.
git clone -q --no-hardlinks . "$work/src"
git ls-files -z --cached --others --exclude-standard |
    tar --create --null --ignore-failed-read --files-from=- |
    tar --extract --directory="$work/src"
python -m pip wheel -qq --no-deps -w "$work/dist" "$work/src" \
    "$work/src/client"

python -m venv "$work/venv"
"$work/venv/bin/python" -m pip install -qq --progress-bar off \
    "$work"/dist/*.whl

cd "$work"
for command in api engine manage status sandbox; do
    "venv/bin/protector-$command" --help >/dev/null
done
venv/bin/python - "$work/src" <<'PY'
"""Every data file of the tree is in the installed package."""
import pathlib
import sys

import protector

source = pathlib.Path(sys.argv[1]) / 'protector'
installed = pathlib.Path(protector.__file__).parent
assert source != installed, installed
kinds = {'.ini', '.mako', '.yaml', '.json', '.typed'}
missing = [
    str(path.relative_to(source))
    for path in source.rglob('*')
    if path.suffix in kinds
    and not (installed / path.relative_to(source)).exists()
]
sys.exit(f'not installed: {missing}' if missing else 0)
PY
venv/bin/openstack --help >openstack.help
grep -q 'protector' openstack.help
# what comes last on the line wins, a file over an option too
venv/bin/oslo-config-generator \
    --config-file "$work/src/etc/protector/protector-config-generator.conf" \
    --output-file protector.conf.sample
venv/bin/oslopolicy-sample-generator \
    --config-file "$work/src/etc/protector/protector-policy-generator.conf" \
    --output-file policy.yaml.sample
test -s protector.conf.sample
test -s policy.yaml.sample
