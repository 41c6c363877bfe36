# SPDX-License-Identifier: Apache-2.0
"""The README's tour, typed as it is printed, on a sandbox of its own.

Also what the client reads, asked of a real API: its own tests have a fake.
"""

from collections.abc import Iterator
import json
import os
import pathlib
import re
import sys

import fixtures

from protector.sandbox import fleet
from protector.tests import base
from protector.tests.page import sandbox_bed, shell

README = pathlib.Path(fleet.__file__).parents[2] / "README.rst"
# those that the page does not print
READS = (
    "protection-group show {}",
    "protection-group health {}",
    "protection-group recovery-point-list {}",
    "protection-group mapping-propose {}",
    "protection-group failover {} --dry-run",
    "operation show {}",
    "operation report {}",
)


def typed(text: str) -> Iterator[str]:
    """What stands behind the prompts ``$`` and ``>``."""
    command = ""
    for line in text.splitlines():
        goes_on = command.endswith("\\\n") and line.startswith("     ")
        prompt = re.match(r" {4}([$>]) ", line)
        if prompt and prompt[1] == "$" and command:
            yield command
            command = ""
        if prompt or goes_on:
            command += line[6:] + "\n"
    yield command


class TourTest(base.TestCase):
    DEFAULT_TIMEOUT = 400
    TIMEOUT_SCALING_FACTOR = 2

    def setUp(self) -> None:
        super().setUp()
        bed = self.useFixture(sandbox_bed.SandboxBed())
        home = self.useFixture(fixtures.TempDir()).path
        programs = pathlib.Path(sys.executable).parent
        self.shell = shell.Shell(
            {
                "HOME": home,
                "PATH": f"{programs}:{os.environ['PATH']}",
                "LANG": "C.UTF-8",
                "OS_CLIENT_CONFIG_FILE": str(bed.clouds_yaml),
                "OS_CLOUD": "site-a",
                "PYTHONWARNINGS": "ignore",
                "no_proxy": "*",
            },
            pathlib.Path(home),
        )

    def test_the_readme_and_then_all_that_reads(self) -> None:
        commands = [c for c in typed(README.read_text()) if "openstack" in c]
        self.assertEqual(9, len(commands))
        done = [self._run(command) for command in commands]
        kinds = re.findall(r"(?m)^\| (\w+) +\| completed", done[-1].out)
        self.assertEqual(
            ["failback", "failover", *["member_add"] * 3, "create"], kinds
        )
        for words in READS:
            line = words.format("prod-web-app")
            read = self._run(f"openstack protector {line} -f json")
            self.assertIsInstance(json.loads(read.out), dict | list, line)

    def _run(self, command: str) -> shell.Done:
        done = self.shell.run(command)
        self.assertEqual(0, done.status, str(done))
        self.assertNotIn("Traceback", done.err)
        return done
