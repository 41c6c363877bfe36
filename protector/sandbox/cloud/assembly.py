# SPDX-License-Identifier: Apache-2.0
"""Put one emulated cloud together: context, services, seed, server."""

import pathlib
import threading

from protector.sandbox.cloud import (
    application,
    cinder,
    clock,
    context,
    gateway,
    glance,
    keystone,
    neutron,
    nova,
    placement,
    seed,
    settings,
    store,
    tasks,
    wsgi,
)

SERVICES: tuple[type[wsgi.Service], ...] = (
    keystone.Keystone,
    neutron.Neutron,
    glance.Glance,
    cinder.Cinder,
    nova.Nova,
    placement.Placement,
)
"""All services, each after those it needs when it seeds."""


class RunningCloud:
    """One cloud in this process, on a thread of its own.

    Seeds the state directory the first time; what is there stays.

    :param port: 0 lets the system choose.
    :param services: which of them it has; they need Keystone.
    """

    def __init__(
        self,
        site: str,
        address: str,
        port: int,
        state: str | pathlib.Path,
        array: context.Array | None = None,
        peer_array: context.Array | None = None,
        services: tuple[type[wsgi.Service], ...] = SERVICES,
    ) -> None:
        directory = pathlib.Path(state)
        directory.mkdir(parents=True, exist_ok=True)
        storage = store.Store(directory / "cloud.sqlite")
        options = settings.Settings(storage)
        time = clock.Clock()
        self.cloud = context.Cloud(
            site=site,
            address=address,
            port=port,
            state=directory,
            store=storage,
            tasks=tasks.Tasks(storage, options, time),
            settings=options,
            clock=time,
            array=array,
            peer_array=peer_array,
        )
        self._thread: threading.Thread | None = None
        for kind in services:
            service = kind(self.cloud)
            self.cloud.services[service.name] = service
        for service in self.cloud.services.values():
            service.start()
        identity = self.cloud.service("identity")
        self._server = gateway.make_server(
            address,
            port,
            application.Application(self.cloud, identity.resolve),
        )

    @property
    def url(self) -> str:
        """Where it answers, ``http://127.0.88.1:5000``."""
        return self.cloud.url

    def prepare(self) -> None:
        """Bind, learn the port, seed, and take up what was pending."""
        self._server.prepare()
        self.cloud.port = self._server.bind_addr[1]
        seed.seed(self.cloud)
        self.cloud.tasks.run()

    def serve(self) -> None:
        """Answer until ``stop``."""
        self._server.serve()

    def start(self) -> "RunningCloud":
        """Prepare and serve on a thread; return self."""
        self.prepare()
        self._thread = threading.Thread(
            target=self.serve, name=f"cloud-{self.cloud.site}", daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving and close the store."""
        self.cloud.stopping.set()
        self._server.stop()
        self.cloud.tasks.stop()
        if self._thread is not None:
            self._thread.join(10)
        self.cloud.store.close()
