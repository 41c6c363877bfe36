# SPDX-License-Identifier: Apache-2.0
"""The real application, the real middleware, and people with tokens."""

from typing import Any

import requests

from protector import metadata
from protector.api import peering
from protector.sandbox.cloud import keystone
from protector.tests import base
from protector.tests.fixtures import emulated_cloud, site_runtime
from protector.tests.functional.rbac import matrix, people, world
from protector.tests.unit.api import served

Json = dict[str, Any]
OUTSIDE = {401, 403, 404}
# what the middleware must not take from a request
FORGED = {
    "X-Identity-Status": "Confirmed",
    "X-Roles": "admin,member,reader,service",
    "X-Role": "admin",
    "X-User-Domain-Name": people.DOMAIN,
    "X-User-Name": people.name_of("peer"),
}


class RbacTest(base.TestCase):
    """``ask`` as a person; ``check`` a cell of the matrix."""

    POLICY: str | None = None
    """The text of an operator's policy file."""

    def setUp(self) -> None:
        super().setUp()
        self.matrix = matrix.load()
        cloud = self.useFixture(
            emulated_cloud.EmulatedCloud(services=(keystone.Keystone,))
        )
        self.people = self.useFixture(people.People(cloud, self.matrix.people))
        self.served = self.useFixture(
            served.ServedApi(keystone=cloud.auth_url)
        )
        site = self.served.site
        self.served.runtime.conf.set_override(
            "username", people.name_of("peer"), "peer"
        )
        if self.POLICY is not None:
            self.served.policy_file(self.POLICY)
        other = self.useFixture(site_runtime.SiteRuntime(peer_of=site))
        self.world = world.World(site, other, self.people.tenant)
        self.addCleanup(self.world.close)
        engine = self.served.engine.answers
        engine["register_site"] = {"id": self.world.new()}
        engine["validate_site"] = {"ok": True, "checks": []}
        engine["volume_types"] = {"types": []}
        engine["release"] = {"epoch": 2, "version": 1, "checksum": None}

    def ask(
        self, person: str, method: str, path: str, **kwargs: Any
    ) -> requests.Response:
        headers = {
            **FORGED,
            "X-Project-Id": self.people.tenant,
            "OpenStack-API-Version": "protector 1.2",
            peering.HEADER: self.world.site(),
            **kwargs.pop("headers", {}),
        }
        token = self.people.tokens[person]
        if token is not None:
            headers["X-Auth-Token"] = token
        return self.served.session.request(
            method,
            self.served.url + path,
            headers=headers,
            timeout=served.DEADLINE,
            allow_redirects=False,
            **kwargs,
        )

    def check(self, cell: matrix.Cell) -> str | None:
        """What is wrong with the answer; None when it is as it should be."""
        row = cell.row
        self.world.reset(row.things)
        template = row.template
        if cell.own:
            own = self.people.projects[cell.person]
            template = template.replace(matrix.TENANT, str(own))
        path = self.world.fill(template)
        sent = self._sent(row)
        before = self.world.content()
        answer = self.ask(cell.person, row.method, path, **sent)
        if answer.status_code != cell.code:
            return f"{cell}: not {cell.code}: {answer.text}"
        if cell.code in OUTSIDE and self.world.content() != before:
            return f"{cell}: refused, but it left a trace"
        return None

    def _sent(self, row: matrix.Row) -> Json:
        if row.document:
            raw = self.world.document()
            checksum = {"X-Protector-Checksum": metadata.checksum(raw)}
            kind = {"Content-Type": "application/json"}
            return {"data": raw, "headers": kind | checksum}
        if row.body is None:
            return {}
        return {"json": self.world.fill(row.body)}
