#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times what importing our plugin adds to every ``openstack`` command.

OpenStackClient imports it whatever the command is.  Fresh interpreters import
what OpenStackClient imports anyway (osc_lib and openstacksdk), then the
plugin; of each part the best time counts.

It prints.  Only with ``--check`` a cost above the bound is a failure.
"""

import argparse
import subprocess
import sys

BOUND_MS = 50.0
TIMED = """\
from time import perf_counter
begin = perf_counter()
import openstack.connection, osc_lib.utils
between = perf_counter()
import protectorclient.osc.plugin
print(1000 * (between - begin), 1000 * (perf_counter() - between))
"""


def main() -> int:
    args = _arguments()
    rounds = [_milliseconds() for _ in range(args.rounds)]
    base, plugin = (min(times) for times in zip(*rounds, strict=True))
    print(f"osc_lib and openstacksdk  {base:8.1f} ms")
    print(
        f"the plugin beyond them    {plugin:8.1f} ms of {BOUND_MS:g} ms, "
        f"ratio {plugin / base:.4f}"
    )
    return int(args.check and plugin > BOUND_MS)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--check", action="store_true")
    return parser.parse_args()


def _milliseconds() -> list[float]:
    """Both parts, in an interpreter that has imported neither."""
    done = subprocess.run(
        [sys.executable, "-c", TIMED],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return [float(word) for word in done.stdout.split()]


if __name__ == "__main__":
    sys.exit(main())
