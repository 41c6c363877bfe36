# SPDX-License-Identifier: Apache-2.0
"""What one emulated cloud consists of, passed to everything in it."""

import dataclasses
import pathlib
import threading
import typing
import uuid

from protector.sandbox.cloud import clock, settings, store, tasks


@dataclasses.dataclass(frozen=True)
class Array:
    """How Cinder reaches a FlashArray.

    :ivar url: ``https://127.0.88.1:8443``.
    :ivar ca: the CA bundle's path that its certificate is checked with.
    :ivar target: the name of the array that this one replicates to.
    :ivar pod: Cinder's ``pure_replication_pod_name``, a pod that is stretched
        over both; None for a back end that does not replicate synchronously.
    """

    url: str
    token: str = dataclasses.field(repr=False)
    ca: str | None = None
    target: str | None = None
    pod: str | None = None


@dataclasses.dataclass
class Cloud:
    """One emulated cloud.

    :ivar site: ``site-a``; also its region's name.
    :ivar url: ``http://127.0.88.1:5000``, no slash at the end.
    :ivar address: the address alone.
    :ivar state: the directory that survives (image data lies there).
    :ivar array: this site's array, None when the cloud has none.
    :ivar peer_array: the other site's array, where that is known.
    :ivar services: each ``wsgi.Service`` by name: identity compute volume
        network image placement.
    :ivar stopping: set when the cloud stops; wait on it, never sleep.
    """

    site: str
    address: str
    port: int
    state: pathlib.Path
    store: store.Store
    tasks: tasks.Tasks
    settings: settings.Settings
    clock: clock.Clock
    array: Array | None = None
    peer_array: Array | None = None
    services: dict[str, typing.Any] = dataclasses.field(default_factory=dict)
    stopping: threading.Event = dataclasses.field(
        default_factory=threading.Event
    )

    @property
    def url(self) -> str:
        """The address of the cloud, no slash at the end."""
        return f"http://{self.address}:{self.port}"

    def service(self, name: str) -> typing.Any:
        """Return a service by name.

        :raises KeyError: the cloud does not have it.
        """
        return self.services[name]


def new_id() -> str:
    """Return a random id as Nova, Cinder, Neutron and Glance write them."""
    return str(uuid.uuid4())


def new_hex_id() -> str:
    """Return a random id as Keystone writes them, no dashes."""
    return uuid.uuid4().hex
