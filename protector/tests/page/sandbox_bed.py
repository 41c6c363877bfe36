# SPDX-License-Identifier: Apache-2.0
"""The page's bed on emulated clouds: a sandbox of its own."""

import contextlib
import os
import pathlib
import signal

import fixtures
import requests

from protector.sandbox import (
    access,
    bringup,
    connect,
    fleet,
    workload,
)
from protector.sandbox import layout as layouts
from protector.tests.page import bed


class SandboxBed(bed.Bed):
    """API and engine of a site are one process here.

    :ivar clouds_yaml: site-a, site-b, and an admin of each.
    """

    volume_type = "replicated-ssd"
    plain_type = "plain"
    engine_apart = False
    patience = 120.0

    def _setUp(self) -> None:
        root = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        with bringup.lock(root), bringup.place(root, None) as layout:
            self._layout = layout
            self.clouds_yaml = layout.clouds_yaml
            self._fleet = fleet.Fleet(layout)
            self.addCleanup(self._fleet.stop)
            bringup.BringUp(layout, lambda line: None).run()
        described = access.read_description(layout)
        self.servers = [
            workload.Server(
                **{
                    key: tuple(value) if isinstance(value, list) else value
                    for key, value in row.items()
                }
            )
            for row in described["servers"]
        ]
        self.a, self.b = (self._site(site) for site in layout.sites)
        self.backend = layout.sites[0].backend

    def _site(self, site: layouts.Site) -> bed.Site:
        open_clouds = self.useFixture(_Open())
        tenant = open_clouds.enter(access.connect(self._layout, site.name))
        admin = open_clouds.enter(
            access.connect(self._layout, f"{site.name}-admin")
        )
        return bed.Site(
            name=site.name,
            id=next(s.id for s in tenant.protector.sites() if s.is_local),
            api=site.api_url.removeprefix("http://"),
            user=layouts.PROJECT,
            password=layouts.PASSWORD,
            project=layouts.PROJECT,
            auth_url=site.auth_url,
            region=site.name,
            tenant=tenant,
            admin=admin,
        )

    def kill_api(self, site: bed.Site) -> None:
        self._fleet.kill(site.name)

    def hang_api(self, site: bed.Site) -> None:
        self._signal(site, signal.SIGSTOP)

    def start_api(self, site: bed.Site) -> None:
        self._signal(site, signal.SIGCONT)
        self._fleet.start(site.name)

    def _signal(self, site: bed.Site, number: int) -> None:
        pid = self._fleet.living()[site.name]
        if pid is not None:
            os.kill(pid, number)

    kill_engine = kill_api
    start_engine = start_api

    def slow_arrays(self, milliseconds: int) -> None:
        for site in self._layout.sites:
            connect.control(site, "PUT", "settings", latency_ms=milliseconds)

    def refuse_on_array(self, call: str | None) -> None:
        site = self._layout.sites[0]
        requests.put(
            f"{site.array_url}/control/faults",
            json=[{"match": call, "status": 400}] if call else [],
            timeout=connect.TIMEOUT,
            verify=str(site.array_ca),
        ).raise_for_status()


class _Open(fixtures.Fixture):
    """What is closed at the end."""

    def _setUp(self) -> None:
        self._stack = contextlib.ExitStack()
        self.addCleanup(self._stack.close)

    def enter(self, what: contextlib.AbstractContextManager) -> object:
        return self._stack.enter_context(what)
