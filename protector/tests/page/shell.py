# SPDX-License-Identifier: Apache-2.0
"""A user's shell: runs commands as they are printed, and keeps what they
export for the next."""

import dataclasses
import json
import pathlib
import subprocess
from typing import Any

COMMAND_SECONDS = 240
# the variables that a command sets are those of the commands after it
_SCRIPT = """\
set -a
{command}
status=$?
set +a
env -0 >"$PAGE_STATE"
exit $status
"""
_OWN = ("PAGE_STATE", "_", "SHLVL", "PWD", "OLDPWD")


@dataclasses.dataclass(frozen=True)
class Done:
    """How a command ended."""

    command: str
    status: int
    out: str
    err: str

    def __str__(self) -> str:
        return (
            f"{self.command}\nended {self.status}\n{self.out}\n{self.err}"
        ).strip()


@dataclasses.dataclass(frozen=True)
class Answer:
    """What curl got: the status code, and the body's JSON if it has one."""

    code: int
    body: Any
    text: str


class Shell:
    """:param environment: what the user begins with.
    :param home: the working directory.
    """

    def __init__(
        self, environment: dict[str, str], home: pathlib.Path
    ) -> None:
        self.environment = dict(environment)
        self._home = home

    def run(self, command: str, **extra: str) -> Done:
        """Run a command, with variables for it alone."""
        state = self._home / "environment"
        done = subprocess.run(
            ["/bin/bash", "-c", _SCRIPT.format(command=command)],
            env={**self.environment, **extra, "PAGE_STATE": str(state)},
            cwd=self._home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
        )
        if not extra:
            self._keep(state)
        return Done(command, done.returncode, done.stdout, done.stderr)

    def curl(self, command: str) -> Answer:
        """Run a curl command; its options stay as they are printed.

        :raises AssertionError: there was no answer.
        """
        done = self.run(f"{command} -sS -w '\n%{{http_code}}'")
        if done.status:
            raise AssertionError(str(done))
        text, _, code = done.out.rpartition("\n")
        return Answer(int(code), json.loads(text) if text else None, text)

    def _keep(self, state: pathlib.Path) -> None:
        pairs = (p.partition("=") for p in state.read_text().split("\0") if p)
        self.environment = {
            name: value for name, _, value in pairs if name not in _OWN
        }
