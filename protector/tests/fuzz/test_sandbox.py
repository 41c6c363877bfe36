# SPDX-License-Identifier: Apache-2.0
"""A running site of the sandbox: its engine, its clouds, its peer."""

import sqlite3
import time
from typing import Any, ClassVar

import fixtures
from openstack import connection
import requests

from protector import constants as c
from protector.sandbox import access, layout, story
from protector.tests.functional import test_sandbox_story
from protector.tests.fuzz import fuzzer

Json = dict[str, Any]
TYPE = story.VOLUME_TYPE
EXAMPLES = 5
SECONDS = 200
DEADLINE = 60
# what the engine writes by itself: what it saw of the arrays, of the clouds
# and of the peer, and what the peer acknowledged
OBSERVED_TABLES = ("recovery_points", "rpo_days")
OBSERVED = {
    "members": ("recoverable_at",),
    "metadata_syncs": (
        *("remote_status", "remote_epoch", "remote_version"),
        *("remote_checksum", "last_sync_at", "other"),
        *("error", "attempts", "next_attempt_at"),
    ),
    "protection_groups": ("conditions", "findings", "last_replication_at"),
    "sites": ("status", "status_reason", "checked_at"),
}
UNFINISHED = ",".join(f"'{status}'" for status in c.UNFINISHED)
# the group would leave the site, or be gone
KEPT = ("DELETE /v1/{tenant_id}", "POST /v1/{tenant_id}")


class SandboxTest(test_sandbox_story.SandboxTest):
    """As an administrator and as a member of the demo project."""

    DEFAULT_TIMEOUT = 480
    askers: ClassVar[tuple[str, ...]] = ("site-a", "site-a-admin")

    def setUp(self) -> None:
        super().setUp()
        self._do("up")
        found = layout.load(self.root)
        assert found is not None
        self.site = found.site("site-a")
        path = self.site.state(self.site.name) / "protector.sqlite"
        self.database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        self.addCleanup(self.database.close)
        self.version: Any = None
        self.tables: dict[str, dict[str, Any]] = {}
        people = [self._connect(found, name) for name in self.askers]
        self.tokens = {
            name: person.auth_token
            for name, person in zip(self.askers, people, strict=True)
        }
        self.session = self.useFixture(_Session()).session
        self.things = self._make(people[0])

    def _connect(
        self, found: layout.Layout, cloud: str
    ) -> connection.Connection:
        made = access.connect(found, cloud)
        self.addCleanup(made.close)
        return made

    def _make(self, member: connection.Connection) -> dict[str, str]:
        """A group with a member; the ids of all there is."""
        protector = member.protector
        sites = {site.name: site.id for site in protector.sites()}
        types = protector.site_volume_types(sites["site-a"])
        group = protector.create_protection_group(
            name="fuzzed",
            replication_type="async",
            primary_site_id=sites["site-a"],
            secondary_site_id=sites["site-b"],
            volume_type_id=next(t.id for t in types if t.name == TYPE),
        )
        self._settle()
        server = next(iter(member.compute.servers()))
        added = protector.add_member(group.id, server.id)
        self._settle()
        return {
            "tenant_id": member.current_project_id,
            "project_id": member.current_project_id,
            "protection_group_id": group.id,
            "member_id": added.id,
            "operation_id": group.last_operation_id,
            "site_id": sites["site-b"],
            "primary_site_id": sites["site-a"],
            "secondary_site_id": sites["site-b"],
            "remote_site_id": sites["site-b"],
            "instance_id": server.id,
        }

    def _settle(self) -> None:
        """Wait until no operation runs."""
        end = time.monotonic() + DEADLINE
        query = (
            "select count(*) from operations where status in "  # noqa: S608
            f"({UNFINISHED})"
        )
        while self._read(query) != [(0,)]:
            self.assertLess(time.monotonic(), end, "an operation hangs")
            time.sleep(0.1)

    def _read(self, query: str) -> list[Any]:
        return self.database.execute(query).fetchall()

    def _tables(self) -> dict[str, dict[str, Any]]:
        """Each column of each table, read again when anybody committed."""
        version = self._read("pragma data_version")
        if version == self.version:
            return self.tables
        found: dict[str, dict[str, Any]] = {}
        names = "select name from sqlite_master where type = 'table'"
        for (table,) in self._read(names):
            columns = [r[1] for r in self._read(f"pragma table_info({table})")]
            rows = self._read(f"select * from {table} order by 1")  # noqa: S608
            found[table] = {
                name: [row[i] for row in rows]
                for i, name in enumerate(columns)
            }
        self.version, self.tables = version, found
        return found

    def test_everything(self) -> None:
        shown = self.session.get(
            f"{self.site.api_url}/v1/openapi.json",
            headers={"OpenStack-API-Version": "protector latest"},
            timeout=DEADLINE,
        )
        run = fuzzer.Fuzzer("sandbox", shown.json(), self)
        try:
            run.run(run.operations(), EXAMPLES, SECONDS)
        finally:
            run.write_counts()
        told = "\n".join(f"{k}: {v}" for k, v in run.faults.items())
        self.assertEqual("", told, f"seed {run.seed}")

    # -- fuzzer.Target

    def thing(self, name: str, label: str) -> str | None:
        if label.startswith(KEPT) and name in ("member_id", "operation_id"):
            return None
        if name == "protection_group_id" and (
            label.startswith("DELETE") or label.endswith("/action")
        ):
            return None
        return self.things.get(name)

    def content(self) -> dict[str, Any]:
        return {
            f"{table}.{name}": values
            for table, columns in self._tables().items()
            if table not in OBSERVED_TABLES
            for name, values in columns.items()
            if name not in OBSERVED.get(table, ())
        }

    def accepted(self, label: str) -> None:
        self._settle()

    def send(self, person: str, request: Json) -> requests.Response:
        given = {**request, "headers": dict(request["headers"] or {})}
        given["headers"]["X-Auth-Token"] = self.tokens[person]
        return self.session.request(
            **given, timeout=DEADLINE, allow_redirects=False
        )

    def provoked(self, label: str, answer: requests.Response) -> bool:
        """A site is registered by an address where nothing answers."""
        return "/v1/admin/sites" in label


class _Session(fixtures.Fixture):
    def _setUp(self) -> None:
        self.session = requests.Session()
        self.session.trust_env = False
        self.addCleanup(self.session.close)
