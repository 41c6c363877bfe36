# SPDX-License-Identifier: Apache-2.0
"""One array put together: its parts, its threads, its start and stop."""

import pathlib
import threading

from protector.sandbox.array.calls import Calls
from protector.sandbox.array.core import Core
from protector.sandbox.array.faults import Faults
from protector.sandbox.array.hosts import Hosts
from protector.sandbox.array.links import Links
from protector.sandbox.array.pgroups import Pgroups
from protector.sandbox.array.pgsnaps import Pgsnaps
from protector.sandbox.array.podadmin import PodAdmin
from protector.sandbox.array.pods import Pods
from protector.sandbox.array.podwatch import PodWatch
from protector.sandbox.array.receiver import Receiver
from protector.sandbox.array.scheduler import Scheduler
from protector.sandbox.array.sender import Sender
from protector.sandbox.array.snapshots import Snapshots
from protector.sandbox.array.space import Space
from protector.sandbox.array.stretch import Stretch
from protector.sandbox.array.tags import Tags
from protector.sandbox.array.targets import Targets
from protector.sandbox.array.volumes import Volumes

_JOIN = 5.0


class Array:
    """The parts that wire adapters speak to."""

    def __init__(
        self, name: str, state: pathlib.Path, url: str, ca: str
    ) -> None:
        """``url``, ``ca``: how other arrays reach this one (PEM text)."""
        core = self.core = Core(name, state)
        self.space = Space(core)
        self.snapshots = Snapshots(core, self.space)
        self.pods = Pods(core)
        self.volumes = Volumes(core, self.snapshots, self.pods, self.space)
        self.tags = Tags(core, self.volumes)
        self.hosts = Hosts(core, self.volumes)
        self.pgroups = Pgroups(core, self.volumes, self.hosts, self.pods)
        self.pgsnaps = Pgsnaps(core, self.pgroups, self.snapshots)
        self.targets = Targets(core, self.pgroups, self.pgsnaps)
        self.links = Links(core, url, ca)
        self.stretch = Stretch(core, self.pods, self.links)
        watch = PodWatch(core, self.pods, self.links, self.stretch)
        self.podadmin = PodAdmin(
            core, self.pods, self.links, self.stretch, watch
        )
        self.receiver = Receiver(core, self.pgsnaps, self.space)
        self.calls = Calls(core)
        self.faults = Faults()
        self._parts = [
            self.links,
            watch,
            Sender(core, self.links),
            Scheduler(
                core,
                self.volumes,
                self.snapshots,
                self.pgroups,
                self.pgsnaps,
                self.stretch,
                self.podadmin,
            ),
        ]
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Finish what a killed process left, then start the threads."""
        self.core.remove_orphans()
        self.stretch.start()
        for part in self._parts:
            thread = threading.Thread(target=part.run, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """End the threads and close the store."""
        self.core.stop()
        for thread in self._threads:
            thread.join(_JOIN)
        self.stretch.stop()
