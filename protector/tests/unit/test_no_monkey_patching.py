# SPDX-License-Identifier: Apache-2.0
"""Importing Protector does nothing but define names."""

import ast
import json
import os
import subprocess
import sys

from protector.tests import base, source

# Read by the program that needs it, never by import: alembic's environment
# runs inside alembic, the WSGI entry reads the configuration file.
RUN_BY_OTHERS = (
    "protector.db.migrations.env",
    "protector.db.migrations.versions.",
    "protector.wsgi.api",
)

_PROBE = """
import importlib, json, sys, threading
import protector.cmd
for name in json.loads(sys.stdin.read()):
    importlib.import_module(name)
from eventlet import patcher
from oslo_config import cfg
from oslo_service import backend
import socket, threading, time
print(json.dumps({
    'patched': [
        name
        for name in ('os', 'select', 'socket', 'thread', 'time', 'subprocess')
        if patcher.is_monkey_patched(name)
    ],
    'backend': backend.get_backend_type().value,
    'threads': [thread.name for thread in threading.enumerate()],
    'parsed': cfg.CONF._namespace is not None,
}))
"""


def _importable() -> list[str]:
    return [
        module.name
        for module in source.service()
        if not module.is_test
        and not module.name.startswith(RUN_BY_OTHERS)
        and all(part.isidentifier() for part in module.name.split("."))
    ]


class ImportTest(base.TestCase):
    def test_importing_everything_changes_nothing(self) -> None:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", _PROBE],
            input=json.dumps(_importable()),
            capture_output=True,
            text=True,
            timeout=45,
            cwd=source.ROOT,
            env=dict(os.environ, PYTHONPATH=str(source.ROOT)),
        )
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual(
            {
                "patched": [],
                "backend": "threading",
                "threads": ["MainThread"],
                "parsed": False,
            },
            json.loads(done.stdout),
        )

    def test_nobody_imports_eventlet(self) -> None:
        self.assertEqual(
            [],
            [
                str(found)
                for module in source.modules()
                for found in module.imports
                if found.target.split(".")[0] in ("eventlet", "gevent")
            ],
        )

    def test_nobody_uses_the_global_configuration(self) -> None:
        """``oslo_config.cfg.CONF`` belongs to the whole process; a runtime
        has its own."""
        self.assertEqual(
            [],
            [
                f"{module.relative}:{node.lineno}"
                for module in source.modules()
                for node in ast.walk(module.tree)
                if (isinstance(node, ast.Attribute) and node.attr == "CONF")
                or (isinstance(node, ast.Name) and node.id == "CONF")
            ],
        )
