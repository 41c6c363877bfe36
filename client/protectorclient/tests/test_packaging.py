# SPDX-License-Identifier: Apache-2.0
"""What the distribution asks for, and what importing it imports."""

from __future__ import annotations

import ast
import json
import pathlib
import subprocess
import sys
import tomllib

import protectorclient
from protectorclient.tests import base

ROOT = pathlib.Path(protectorclient.__file__).parent


class RequirementsTest(base.TestCase):
    """What is promised to work is what is tested."""

    def test_the_oldest_libraries_are_the_lower_bounds(self) -> None:
        project = tomllib.loads((ROOT.parent / "pyproject.toml").read_text())
        bounds = dict(
            line.split(">=") for line in project["project"]["dependencies"]
        )
        pins = dict(
            line.split("==")
            for line in (ROOT.parent / "constraints-oldest.txt")
            .read_text()
            .splitlines()
            if not line.startswith("#")
        )
        # not ours to ask for, but what the old cliff was written with
        del pins["stevedore"]
        self.assertEqual(bounds, pins)


class ImportTest(base.TestCase):
    """Importing the plugin is cheap, and the client stands alone."""

    def test_the_plugin_imports_no_other_module_of_ours(self) -> None:
        script = (
            "import json, sys, openstack.connection, osc_lib.utils\n"
            "before = {*sys.modules, *sys.stdlib_module_names}\n"
            "import protectorclient.osc.plugin\n"
            "print(json.dumps(sorted(set(sys.modules) - before)))"
        )
        done = subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            check=True,
        )
        self.assertEqual(
            [
                "protectorclient",
                "protectorclient.osc",
                "protectorclient.osc.plugin",
            ],
            json.loads(done.stdout),
        )

    def test_never_imports_the_service(self) -> None:
        for path in ROOT.rglob("*.py"):
            for name in _imported(path):
                self.assertNotEqual("protector", name.split(".")[0], path)


def _imported(path: pathlib.Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append(node.module or "")
    return names
