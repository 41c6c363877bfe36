# SPDX-License-Identifier: Apache-2.0
"""The processes of a sandbox: what each is started with.

How a process is started and ended is the supervisor's.
"""

from collections.abc import Iterable
from concurrent import futures
import os
import pathlib
import sys

from protector.sandbox import layout as layouts
from protector.sandbox import supervisor

READY_SECONDS = 60
_SOURCE = pathlib.Path(__file__).parents[2]
LOOPBACK = "127.0.0.0/8,localhost"


class Fleet:
    """The processes of one sandbox, by name."""

    def __init__(self, layout: layouts.Layout) -> None:
        self.layout = layout
        self.supervisor = supervisor.Supervisor(layout.run, layout.log)

    def launch(self, names: Iterable[str] | None = None) -> list[str]:
        """Start those that do not run, side by side.

        :returns: which were started; they may not be ready yet.
        """
        wanted = self.layout.processes if names is None else names
        dead = [n for n in wanted if not self.supervisor.alive(n)]
        for name in dead:
            self.supervisor.launch(name, self.command(name), environment())
        return dead

    def wait_ready(self, *names: str) -> None:
        """:raises supervisor.ProcessError: one is not ready in time."""
        for name in names:
            self.supervisor.wait_ready(name, READY_SECONDS)

    def start(self, name: str) -> bool:
        """Start one process and wait for it; False if it ran already."""
        started = self.launch([name])
        self.wait_ready(name)
        return bool(started)

    def kill(self, name: str) -> bool:
        """As a power cut would; False if it did not run."""
        return self.supervisor.kill(name)

    def stop(self) -> list[str]:
        """End all, the sites before what they use; returns which ran."""
        names = self.layout.processes
        sites = [name for name in names if name.startswith("site")]
        others = [name for name in names if name not in sites]
        return [*self._stop(sites), *self._stop(others)]

    def _stop(self, names: list[str]) -> list[str]:
        with futures.ThreadPoolExecutor(max_workers=len(names)) as pool:
            ran = pool.map(self.supervisor.stop, names)
            return [n for n, was in zip(names, ran, strict=True) if was]

    def living(self) -> dict[str, int | None]:
        """Process id by name, None for one that does not run."""
        found: dict[str, int | None] = {}
        for name in self.layout.processes:
            record = self.supervisor.record(name)
            lives = record is not None and self.supervisor.alive(name)
            found[name] = record.pid if record and lives else None
        return found

    def command(self, name: str) -> list[str]:
        """The command line of a process."""
        kind, site = name.partition("-")[0], self.layout.site(name)
        module = [sys.executable, "-m", f"protector.sandbox.{kind}"]
        arguments = {"array": _array, "cloud": self._cloud, "site": self._site}
        return module + arguments[kind](site)

    def _cloud(self, site: layouts.Site) -> list[str]:
        peer = self.layout.other(site)
        return [
            *("--site", site.name),
            *("--address", site.address),
            *("--port", str(layouts.CLOUD_PORT)),
            *("--state", str(site.state(site.cloud))),
            *("--array-url", site.array_url),
            *("--array-token", site.array_token),
            *("--array-ca", str(site.array_ca)),
            *("--array-target", peer.array),
            *("--array-pod", site.pod),
            *("--peer-array-url", peer.array_url),
            *("--peer-array-token", peer.array_token),
            *("--peer-array-ca", str(peer.array_ca)),
            *("--peer-array-target", site.array),
        ]

    def _site(self, site: layouts.Site) -> list[str]:
        return [
            *("--name", site.name),
            *("--state-dir", str(self.layout.root)),
            *("--prefix", self.layout.prefix),
            *(("--third",) if self.layout.third else ()),
        ]


def _array(site: layouts.Site) -> list[str]:
    return [
        *("--name", site.array),
        *("--address", site.address),
        *("--port", str(layouts.ARRAY_PORT)),
        *("--state", str(site.state(site.array))),
        *("--api-token", site.array_token),
    ]


def environment() -> dict[str, str]:
    """This process's, without a proxy for loopback and without clouds."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("OS_")}
    path = [str(_SOURCE), kept.get("PYTHONPATH", "")]
    kept["PYTHONPATH"] = os.pathsep.join(part for part in path if part)
    kept["PYTHONUNBUFFERED"] = "1"
    return kept | past_proxy(kept)


def past_proxy(env: dict[str, str]) -> dict[str, str]:
    """The variables that keep a proxy out of the way of loopback."""
    names = ("no_proxy", "NO_PROXY")
    given = next((env[n] for n in names if env.get(n)), "")
    value = f"{given},{LOOPBACK}" if given else LOOPBACK
    return dict.fromkeys(names, value)
