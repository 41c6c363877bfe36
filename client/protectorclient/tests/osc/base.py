# SPDX-License-Identifier: Apache-2.0
"""Runs ``openstack ...``, with its output captured.

In this process, which is quick, or as the executable that users start.
"""

from __future__ import annotations

from dataclasses import dataclass
import io
import json
import logging
import os
import pathlib
import re
import subprocess
import sys
from typing import Any

import fixtures
from openstackclient import shell

from protectorclient.tests import base

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


class Stream(io.StringIO):
    """A stream that may pretend to be a terminal."""

    def __init__(self, text: str = "", tty: bool = False) -> None:
        super().__init__(text)
        self._tty = tty

    def isatty(self) -> bool:
        """As told."""
        return self._tty


@dataclass
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Stdout as JSON."""
        return json.loads(self.out)


class CommandCase(base.SitesCase):
    """Commands against the two sites."""

    def openstack(
        self,
        *argv: str,
        cloud: str = "site-a",
        stdin: str = "",
        tty: bool = False,
    ) -> Result:
        """Run ``openstack --os-cloud <cloud> <argv>``."""
        out, err = Stream(), Stream(tty=tty)
        root = logging.getLogger()
        handlers = list(root.handlers)
        with (
            fixtures.MonkeyPatch("sys.stdin", Stream(stdin, tty)),
            fixtures.MonkeyPatch("sys.stdout", out),
            fixtures.MonkeyPatch("sys.stderr", err),
        ):
            try:
                code = shell.main(["--os-cloud", cloud, *argv])
            except SystemExit as ended:
                code = int(ended.code or 0)
            finally:
                root.handlers[:] = handlers
        return Result(code, out.getvalue(), err.getvalue())

    def protector(self, words: str, *argv: str, **kwargs: Any) -> Result:
        """Run ``openstack protector <words> <argv>``."""
        return self.openstack("protector", *words.split(), *argv, **kwargs)

    def group(self, words: str, *argv: str, **kwargs: Any) -> Result:
        """Run ``openstack protector protection-group <words> <argv>``."""
        return self.protector(f"protection-group {words}", *argv, **kwargs)


class ProcessCase(base.SitesCase):
    """The real executable, of the environment that the tests run in."""

    def start(
        self,
        *argv: str,
        stdin: int = subprocess.DEVNULL,
        stdout: int = subprocess.PIPE,
        stderr: int = subprocess.PIPE,
        **environment: str,
    ) -> subprocess.Popen[str]:
        """Start ``openstack --os-cloud site-a protector <argv>``."""
        openstack = pathlib.Path(sys.executable).with_name("openstack")
        process = subprocess.Popen(
            [openstack, "--os-cloud", "site-a", "protector", *argv],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env={**os.environ, "TERM": "xterm", **environment},
            text=True,
            encoding="utf-8",
        )
        self.addCleanup(self._end, process)
        return process

    def _end(self, process: subprocess.Popen[str]) -> None:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()

    def end(self, process: subprocess.Popen[str]) -> Result:
        """Wait for it; however it ended, no traceback was shown."""
        out, err = process.communicate()
        self.assertNotIn("Traceback", err or "")
        return Result(process.returncode, out or "", err or "")

    def protector(self, words: str, *argv: str, **options: Any) -> Result:
        """Run ``openstack protector <words> <argv>``."""
        return self.end(self.start(*words.split(), *argv, **options))

    def group(self, words: str, *argv: str, **options: Any) -> Result:
        """Run ``openstack protector protection-group <words> <argv>``."""
        return self.protector(f"protection-group {words}", *argv, **options)


def normalised(text: str) -> list[str]:
    """The lines without what differs from run to run.

    Ids and times become placeholders, rules and padding of tables go.
    """
    text = re.sub(r"\b(pg|cg|member)-[0-9a-f-]{8,}", "<id>", text)
    text = re.sub(r"\bmember-[a-z]{2}\.\.", "<id>", text)
    text = re.sub(UUID, "<id>", text)
    text = re.sub(r"site-[ab]-uuid", "<id>", text)
    text = re.sub(TIME, "<time>", text)
    text = re.sub(r"[ \t]*\|[ \t]*", "|", text)
    lines = (line.rstrip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("+-")]
