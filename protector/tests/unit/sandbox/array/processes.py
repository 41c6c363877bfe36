# SPDX-License-Identifier: Apache-2.0
"""Runs arrays as processes of their own, and speaks to them as users do.

Processes are ended by their own pid only. Every wait has a deadline.
"""

from collections.abc import Callable
import os
import pathlib
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any

import purestorage
import requests

TOKEN = "0c0ffee0-0000-4000-8000-000000000000"
_ADDRESS = "127.0.0.1"
_READY = 20.0
_END = 10.0
_ANSWER = 10.0
_ROOT = pathlib.Path(__file__).parents[5]


def eventually(
    probe: Callable[[], Any], seconds: float = 10.0, what: str = ""
) -> Any:
    """Return the probe's first true answer; fail after ``seconds``."""
    pause = threading.Event()
    deadline = time.monotonic() + seconds
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what or probe}")
        pause.wait(0.02)


class ArrayProcess:
    """One array in a process of its own; state and port survive it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._home = tempfile.TemporaryDirectory(prefix=f"{name}-")
        self.state = pathlib.Path(self._home.name) / "state"
        self.port = _free_port()
        self._process: subprocess.Popen[str] | None = None

    @property
    def target(self) -> str:
        """The management address that the SDK and other arrays use."""
        return f"{_ADDRESS}:{self.port}"

    @property
    def ca(self) -> str:
        """The file to verify the array's certificate with."""
        return str(self.state / "ca.pem")

    def launch(self) -> None:
        """Start the process without waiting for it."""
        command = [sys.executable, "-m", "protector.sandbox.array"]
        command += ["--name", self.name, "--address", _ADDRESS]
        command += ["--port", str(self.port), "--state", str(self.state)]
        command += ["--api-token", TOKEN]
        log = open(pathlib.Path(self._home.name) / "log", "a")  # noqa: SIM115
        with log:
            self._process = subprocess.Popen(
                command,
                env={**os.environ, "PYTHONPATH": str(_ROOT)},
                cwd=self._home.name,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def wait_ready(self) -> None:
        """Wait for the line that says that it serves."""
        if self._process is None or self._process.stdout is None:
            raise AssertionError("not launched")
        out = self._process.stdout
        ready, _, _ = select.select([out], [], [], _READY)
        line = out.readline() if ready else ""
        if line != f"ready https://{self.target}\n":
            raise AssertionError(f"{self.name} said {line!r}:\n{self.log()}")

    def start(self) -> "ArrayProcess":
        """Start the process and wait until it serves."""
        self.launch()
        self.wait_ready()
        return self

    def log(self) -> str:
        """Return what the process has logged."""
        return (pathlib.Path(self._home.name) / "log").read_text()

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send the process a signal, wait, return its exit status."""
        process, self._process = self._process, None
        if process is None:
            return 0
        os.kill(process.pid, number)
        try:
            return process.wait(_END)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(_END)
            raise
        finally:
            if process.stdout is not None:
                process.stdout.close()

    def kill(self) -> None:
        """End the process as a power cut would."""
        self.end(signal.SIGKILL)

    def remove(self) -> None:
        """End the process and remove its state."""
        self.kill()
        self._home.cleanup()

    def sdk(self, **kwargs: Any) -> purestorage.FlashArray:
        """Return the vendor's client, verifying the certificate."""
        return purestorage.FlashArray(
            self.target,
            api_token=TOKEN,
            request_kwargs={"verify": self.ca, "timeout": _ANSWER},
            **kwargs,
        )

    def request(
        self, method: str, path: str, **kwargs: Any
    ) -> requests.Response:
        """Make a request without the SDK."""
        return requests.request(
            method,
            f"https://{self.target}{path}",
            verify=self.ca,
            timeout=_ANSWER,
            **kwargs,
        )

    def control(self, method: str, path: str, **kwargs: Any) -> Any:
        """Return the JSON answer of a control endpoint that must do it."""
        answer = self.request(method, f"/control/{path}", **kwargs)
        if answer.status_code != 200:
            raise AssertionError(f"{answer.status_code}: {answer.text}")
        return answer.json()

    def tune(self, **values: Any) -> None:
        """Change settings."""
        self.control("PUT", "settings", json=values)

    def write(
        self, volume: str, offset: int, data: bytes, host: str | None = "h"
    ) -> requests.Response:
        """Write as a host does."""
        return self.request(
            "PUT",
            f"/control/volumes/{volume}/data",
            params={"offset": offset, "host": host},
            data=data,
        )

    def read(self, volume: str, offset: int, length: int) -> bytes:
        """Read bytes of a volume or a snapshot."""
        answer = self.request(
            "GET",
            f"/control/volumes/{volume}/data",
            params={"offset": offset, "length": length},
        )
        if answer.status_code != 200:
            raise AssertionError(f"{answer.status_code}: {answer.text}")
        return answer.content

    def digest(self, volume: str) -> str:
        """Return the hash of the content of a volume or a snapshot."""
        path = f"volumes/{volume}/data?digest=sha256"
        return self.control("GET", path)["digest"]


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind((_ADDRESS, 0))
        return sock.getsockname()[1]


def connected_pair(
    kind: str = "async-replication",
) -> tuple[ArrayProcess, ArrayProcess]:
    """Return two running arrays, the first connected to the second.

    ``kind``: for which replication.
    """
    pair = (ArrayProcess("array-a"), ArrayProcess("array-b"))
    for process in pair:
        process.launch()
    for process in pair:
        process.wait_ready()
    source, target = pair
    key = target.sdk().get(connection_key=True)["connection_key"]
    source.sdk().connect_array(target.target, key, [kind])
    return pair
