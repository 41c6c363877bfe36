# SPDX-License-Identifier: Apache-2.0
"""Brings a sandbox up: processes, array link, servers, pairing, files.

Each part looks first and does only what is missing, so that a second run
completes what a first one left.
"""

from collections.abc import Callable, Iterator
from concurrent import futures
import contextlib
import fcntl
import pathlib
import shutil
import threading
import time

from protector.sandbox import access, connect, fleet, pairing, workload
from protector.sandbox import layout as layouts

LOCK_SECONDS = 120
Say = Callable[[str], None]


class BringUpError(Exception):
    """The sandbox did not come up; the text says what to look at."""


@contextlib.contextmanager
def lock(root: pathlib.Path) -> Iterator[None]:
    """One command at a time changes a sandbox.

    :raises BringUpError: another one does not end.
    """
    root.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + LOCK_SECONDS
    pause = threading.Event()
    with (root / "lock").open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise BringUpError(
                        f"Another command works on {root}."
                    ) from None
            pause.wait(0.1)
        yield


def clear(root: pathlib.Path) -> list[str]:
    """End the processes of a sandbox and forget what it had.

    :returns: which ran.
    """
    layout = layouts.load(root)
    if layout is None:
        return []
    ended = fleet.Fleet(layout).stop()
    for directory in ("state", "run", "log"):
        shutil.rmtree(layout.root / directory, ignore_errors=True)
    for file in (layout.clouds_yaml, layout.description, layout.record):
        file.unlink(missing_ok=True)
    return ended


@contextlib.contextmanager
def place(
    root: pathlib.Path, wanted: str | None, third: bool = False
) -> Iterator[layouts.Layout]:
    """The layout of a state directory: the recorded one, or a free one.

    Within the context the addresses are held for the processes to start.

    :raises LayoutError: no free prefix, or another one is recorded.
    """
    known = layouts.load(root)
    if known is None:
        layout, claim = layouts.choose(root, wanted, third)
        layout.save()
        with claim:
            yield layout
        return
    if wanted not in (None, known.prefix):
        raise layouts.LayoutError(
            f"The sandbox of {root} is at {known.prefix}; its addresses are "
            f"in its database. Use --state-dir for one at {wanted}."
        )
    with _held(known):
        yield known


def _held(layout: layouts.Layout) -> contextlib.AbstractContextManager[object]:
    """Hold the addresses of a sandbox that is down.

    :raises LayoutError: somebody else has them now.
    """
    if any(fleet.Fleet(layout).living().values()):
        return contextlib.nullcontext()
    try:
        return layouts.Claim(layout.prefix)
    except OSError:
        raise layouts.LayoutError(
            f"The addresses {layout.prefix}.x of the sandbox of {layout.root} "
            "are in use by something else. End that, or start anew elsewhere "
            "with 'up --fresh'."
        ) from None


class BringUp:
    """One run.

    :param empty: leave the servers out.
    :param paired: whether the sites are to know each other at the end.
    :param say: takes a line of progress.
    """

    def __init__(
        self,
        layout: layouts.Layout,
        say: Say,
        empty: bool = False,
        paired: bool = True,
    ) -> None:
        self.layout = layout
        self.fleet = fleet.Fleet(layout)
        self._say = say
        self._empty = empty
        self._paired = paired

    def run(self) -> list[pairing.Finding]:
        """Do it all; what the sites found of each other.

        :raises BringUpError: a part failed.
        :raises supervisor.ProcessError: a process did not start.
        """
        started = self.fleet.launch()
        if started:
            self._say(f"starting {', '.join(started)}")
        access.write_clouds(self.layout)
        with futures.ThreadPoolExecutor(max_workers=3) as pool:
            linked = pool.submit(self._link)
            servers = pool.submit(self._servers, linked)
            found = pool.submit(self._pair, linked)
            made, findings = servers.result(), found.result()
        self.fleet.wait_ready(*self.layout.processes)
        seeded = access.read_description(self.layout)
        if made is not None or "servers" not in seeded:
            seeded = access.seeded(self.layout, made or [])
        self.describe(seeded)
        return findings

    def describe(self, seeded: access.Json | None = None) -> None:
        """Write ``sandbox.json`` anew."""
        if seeded is None:
            seeded = access.read_description(self.layout)
        keys = ("project", "volume_types", "servers")
        access.write_description(
            self.layout,
            self.fleet.living(),
            {k: seeded[k] for k in keys if k in seeded},
        )

    def _link(self) -> None:
        self.fleet.wait_ready(*(s.array for s in self.layout.every))
        for a, b in self.layout.pairs:
            if connect.arrays(a, b):
                self._say(f"{a.array} and {b.array} are connected")
        for site in self.layout.every:
            other = self.layout.other(site)
            if connect.pod(site, other):
                self._say(f"{site.pod} is on {site.array} and {other.array}")

    def _servers(
        self, linked: futures.Future[None]
    ) -> list[workload.Server] | None:
        """The servers, None if they were made before or are not wanted."""
        a, b = self.layout.sites
        linked.result()
        self.fleet.wait_ready(a.cloud, b.cloud)
        # where they are by now is the tenant's affair
        known = access.read_description(self.layout).get("servers")
        if self._empty or known:
            return None
        with access.connect(self.layout, a.name) as cloud:
            made = workload.create_workload(cloud.session, region=a.name)
        self._say(f"{len(made)} servers run at {a.name}")
        return made

    def _pair(self, linked: futures.Future[None]) -> list[pairing.Finding]:
        if not self._paired:
            return []
        # the validation looks at the arrays too
        linked.result()
        self.fleet.wait_ready(*self.layout.processes)
        findings = pairing.pair(self.layout)
        bad = [f for f in findings if not f.ok]
        if not bad:
            names = " and ".join(s.name for s in self.layout.every)
            self._say(f"{names} know each other")
        for f in bad:
            self._say(f"{f.at} of {f.of}: {f.check}: {f.message}")
        return findings
