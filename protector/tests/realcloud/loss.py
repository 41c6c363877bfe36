# SPDX-License-Identifier: Apache-2.0
"""All of a site stops, and is started again: its cloud by the scripts of the
bed, its array and its Protector by their records."""

from collections.abc import Callable
import os
import pathlib
import subprocess
import sys
import unittest

from protector.tests.realcloud import arrays, backend, protector_site

BED = "PROTECTOR_REAL_BED"
"""The directory of ``up.sh`` and ``down.sh``."""
SCRIPT_SECONDS = 300
needs_bed = unittest.skipUnless(
    BED in os.environ, f"{BED} is not set: nobody may stop a cloud"
)
"""For tests that lose a site."""


def lose(site: protector_site.Site, array: arrays.Array) -> Callable[[], None]:
    """The site is gone; what brings it back, and does nothing twice."""
    site.kill_engine()
    site.kill_api()
    array.kill()
    _script("down.sh", site.name)

    def bring_back() -> None:
        # Cinder does not start without its array
        if not array.alive():
            array.start()
        _script("up.sh", site.name)
        backend.wait(site.name)
        site.start_api()
        site.wait_for_api()
        site.start_engine()
        site.wait()

    return bring_back


def _script(name: str, site: str) -> None:
    """The bed has an environment of its own and must not see ours."""
    ours = str(pathlib.Path(sys.executable).parent)
    path = os.environ["PATH"].split(os.pathsep)
    done = subprocess.run(
        [pathlib.Path(os.environ[BED]) / name, site],
        env=os.environ
        | {"PATH": os.pathsep.join(p for p in path if p != ours)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SCRIPT_SECONDS,
    )
    if done.returncode:
        raise AssertionError(f"{name} {site}: {done.stdout}{done.stderr}")
