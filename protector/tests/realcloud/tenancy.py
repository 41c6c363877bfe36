# SPDX-License-Identifier: Apache-2.0
"""A pair with a tenant who has three servers at the first site.

What a run that was interrupted left in the tenant's projects is swept
first, and at the end whatever came since.
"""

import json

import fixtures

from protector.sandbox import workload
from protector.tests.realcloud import (
    inventory,
    pair,
    protector_site,
    settings,
    sweep,
)


class Tenancy(fixtures.Fixture):
    """``pair``, and the ``servers`` at its ``a``, made as ``names`` says."""

    pair: pair.Pair
    servers: list[workload.Server]

    def __init__(self, given: settings.Settings) -> None:
        super().__init__()
        self._given = given
        self.names = given.names

    def _setUp(self) -> None:
        given = self._given
        self.pair = self.useFixture(pair.Pair(given))
        for site in (self.pair.a, self.pair.b):
            self._begin_clean(site)
        self.servers = workload.create_workload(
            self.pair.a.tenant.session,
            given.names,
            self.pair.a.tenant.config.get_region_name(),
        )

    def _begin_clean(self, site: protector_site.Site) -> None:
        path = self._given.state / f"{site.name}.json"
        if path.exists():
            sweep.sweep(site.admin, site.tenant, json.loads(path.read_text()))
        before = inventory.take(site.tenant)
        path.write_text(json.dumps(before))
        self.addCleanup(path.unlink)
        self.addCleanup(sweep.sweep, site.admin, site.tenant, before)
