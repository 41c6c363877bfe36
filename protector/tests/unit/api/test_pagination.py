# SPDX-License-Identifier: Apache-2.0
"""What every list does: pages, orders, filters, changes, few statements."""

from collections.abc import Callable, Iterator
import contextlib
import dataclasses
import datetime
import itertools
from typing import Any
from urllib import parse
import uuid

import sqlalchemy as sa

from protector import constants as c
from protector.api import routes, validation
from protector.api.controllers import root
from protector.db import models
from protector.db.api import operations, protection_groups, tenant_mappings
from protector.tests.fixtures import site_runtime
from protector.tests.unit.api import served

Json = dict[str, Any]
ALL = {
    f"{route.method} {route.template}": validation.declaration(route.handler)
    for route in routes.walk(root.RootController())
}
CONTROLS = ("limit", "marker", "sort_key", "sort_dir", "changes_since")
HOUR = datetime.timedelta(hours=1)
PEER = {
    "X-User-Name": "protector",
    "X-User-Domain-Name": "Default",
    "X-Roles": "service",
}


@dataclasses.dataclass(frozen=True)
class Listed:
    """A list: its route, and what makes a row more of it.

    ``within``: lists the rows of one group.
    """

    template: str
    plural: str
    add: Callable[["ListTest", int], None]
    within: bool = False

    @property
    def query(self) -> Json:
        declared = ALL[f"GET {self.template}"]
        return dict(declared.queries[0].schema["properties"])

    @property
    def filters(self) -> set[str]:
        return set(self.query) - set(CONTROLS) - {"all_tenants"}


class ListTest(served.ApiTest):
    """``rows`` of each list there are ``COUNT``."""

    COUNT = 7
    # half of them differ
    TURNS = 2

    def setUp(self) -> None:
        super().setUp()
        self.group_id = self.site.group(name="g-0")
        self.types: list[Json] = []
        self.numbers = itertools.count(1)
        self.engine.answers["volume_types"] = {"types": self.types}

    def fill(self, listed: Listed, count: int) -> None:
        """Until there are ``count``."""
        while len(self.shown(listed)) < count:
            listed.add(self, next(self.numbers))

    def path(self, listed: Listed, **query: Any) -> str:
        path = listed.template.format(
            tenant=served.PROJECT, group=self.group_id, site=self.site.peer_id
        )
        return f"{path}?{parse.urlencode(query)}"

    def get(self, path: str) -> Any:
        headers = {"X-Protector-Site": self.site.peer_id}
        if path.startswith("/v1/peer/"):
            headers |= PEER
        return self.ask(
            "GET", path, roles="admin,member,reader", headers=headers
        )

    def shown(self, listed: Listed, **query: Any) -> list[Json]:
        answer = self.ok(self.get(self.path(listed, **query)))
        return list(answer[listed.plural])

    def walk(self, listed: Listed, **query: Any) -> Iterator[list[Json]]:
        """The pages, each by the link of the one before."""
        path = self.path(listed, **query)
        while True:
            answer = self.ok(self.get(path))
            yield answer[listed.plural]
            links = answer.get(f"{listed.plural}_links")
            if links is None:
                return
            self.assertEqual("next", links[0]["rel"])
            path = links[0]["href"].removeprefix(self.served.url)

    # -- rows

    def add_site(self, number: int) -> None:
        with self.db.writer() as session:
            session.add(
                models.Site(
                    id=str(uuid.uuid4()),
                    name=f"site-{number}",
                    description="",
                    region_name=f"region-{number % self.TURNS}",
                    is_local=False,
                    auth_url="http://127.0.0.1:1/v3",
                    verify=True,
                    status=(c.SiteStatus.ACTIVE, c.SiteStatus.ERROR)[
                        number % self.TURNS
                    ],
                    capabilities={},
                    lost=False,
                    created_at=site_runtime.NOW,
                )
            )

    def add_mapping(self, number: int) -> None:
        values = {
            "local_project_id": f"p-{number}",
            "remote_site_id": self.site.peer_id,
            "remote_project_id": f"q-{number}",
        }
        with self.db.writer() as session:
            tenant_mappings.add(session, site_runtime.NOW, values)

    def add_group(self, number: int) -> None:
        status = (c.GroupStatus.ACTIVE, c.GroupStatus.ERROR)
        group_id = self.site.group(
            name=f"g-{number}", status=status[number % self.TURNS]
        )
        self.site.member(group_id)
        self.site.configure(group_id)

    def add_member(self, number: int) -> None:
        name = f"web-{number % self.TURNS}"
        self.site.member(self.group_id, name)

    def add_operation(self, number: int) -> None:
        ends = {
            "origin_site_id": self.site.local_id,
            "executor_site_id": self.site.local_id,
            "source_site_id": self.site.local_id,
            "target_site_id": self.site.peer_id,
            "type": ("planned", "unplanned")[number % self.TURNS],
        }
        verb = (c.Verb.MEMBER_ADD, c.Verb.MEMBER_REMOVE)[number % self.TURNS]
        step = {"ordinal": 0, "name": "s", "after": [], "weight": 1}
        with self.db.writer() as session:
            group = protection_groups.lock(session, self.group_id)
            now = site_runtime.NOW
            row = operations.accept(session, now, group, verb, ends)
            operations.add_steps(session, row, [{**step, "optional": False}])

    def add_point(self, number: int) -> None:
        self.site.point(self.group_id, epoch=number)

    def add_type(self, number: int) -> None:
        self.types.append(
            {
                "id": str(uuid.uuid4()),
                "name": f"type-{number % self.TURNS}",
                "replication_type": ("async", None)[number % self.TURNS],
                "peer_volume_type_id": None,
            }
        )


GROUP = "/v1/{tenant}/protection-groups/{group}"
LISTS = (
    Listed("/v1/admin/sites", "sites", ListTest.add_site),
    Listed("/v1/{tenant}/sites", "sites", ListTest.add_site),
    Listed(
        "/v1/admin/tenant-mappings", "tenant_mappings", ListTest.add_mapping
    ),
    Listed(
        "/v1/{tenant}/protection-groups",
        "protection_groups",
        ListTest.add_group,
    ),
    Listed(f"{GROUP}/members", "members", ListTest.add_member),
    Listed(f"{GROUP}/recovery-points", "recovery_points", ListTest.add_point),
    Listed("/v1/{tenant}/operations", "operations", ListTest.add_operation),
    Listed(
        "/v1/{tenant}/sites/{site}/volume-types",
        "volume_types",
        ListTest.add_type,
    ),
    Listed("/v1/peer/groups", "groups", ListTest.add_group),
)


class PageTest(ListTest):
    def test_every_list_is_looked_at(self) -> None:
        lists = {name for name, told in ALL.items() if _is_list(told)}
        self.assertEqual(lists, {f"GET {one.template}" for one in LISTS})

    def test_each_row_once_in_order(self) -> None:
        for listed in LISTS:
            self.fill(listed, self.COUNT)
            every = {row["id"] for row in self.shown(listed)}
            for key in listed.query["sort_key"]["enum"]:
                for direction, limit in (("asc", 1), ("desc", 3)):
                    query = {"sort_key": key, "sort_dir": direction}
                    pages = list(self.walk(listed, limit=limit, **query))
                    rows = [row for page in pages for row in page]
                    place = f"{listed.template} by {key} {direction}"
                    self.assertEqual(len(every), len(rows), place)
                    self.assertEqual(every, {r["id"] for r in rows}, place)
                    self.assertEqual({limit}, set(map(len, pages[:-1])))
                    self.assertEqual(
                        _sorted(rows, key, direction), rows, place
                    )

    def test_filters(self) -> None:
        for listed in LISTS:
            self.fill(listed, self.COUNT)
            every = self.shown(listed)
            for name, row in itertools.product(listed.filters, every[:3]):
                if row[name] is None:
                    continue
                value = row[name]
                found = list(self.walk(listed, limit=2, **{name: value}))
                self.assertEqual(
                    {r["id"] for r in every if r[name] == value},
                    {r["id"] for page in found for r in page},
                    f"{listed.template}: {name}={value}",
                )
            for name in listed.filters - {"is_local"}:
                self.assertEqual([], self.shown(listed, **{name: "none"}))

    def test_changes(self) -> None:
        for listed in LISTS:
            if "changes_since" not in listed.query:
                continue
            self.fill(listed, self.COUNT)
            for past, count in ((HOUR, len(self.shown(listed))), (-HOUR, 0)):
                since = (site_runtime.NOW - past).isoformat()
                found = self.shown(listed, changes_since=since)
                self.assertEqual(count, len(found), listed.template)

    def test_odd_queries(self) -> None:
        for listed in LISTS:
            for odd in (
                "limits=1",
                "limit=0",
                "limit=x",
                "limit=1&limit=2",
                "sort_key=description",
                "sort_dir=up",
                "changes_since=yesterday",
                "all_projects=true",
            ):
                path = f"{self.path(listed)}{odd}"
                self.refused(self.get(path), 400, "BadRequest")
            path = self.path(listed, marker=str(uuid.uuid4()))
            error = self.refused(self.get(path), 400, "InvalidReference")
            self.assertIn("marker", error["message"])


class ForeignMarkerTest(ListTest):
    def test_it_is_as_one_of_nothing(self) -> None:
        """Nor does it lead into the rows of its project."""
        self.add_operation(1)
        for name in ("protection-groups", "operations"):
            mine = f"/v1/{served.PROJECT}/{name}"
            (row,) = self.ok(self.get(mine))[name.replace("-", "_")]
            theirs = f"/v1/p-other/{name}?marker="
            told = []
            for marker in (row["id"], str(uuid.uuid4())):
                answer = self.ask("GET", theirs + marker, project="p-other")
                error = self.refused(answer, 400, "InvalidReference")
                told.append(error["message"].replace(marker, "ID"))
            self.assertEqual(told[0], told[1])


class LinkTest(ListTest):
    """The marker of a link holds its place."""

    def test_a_walk_goes_on_when_its_marker_is_gone(self) -> None:
        groups = next(one for one in LISTS if one.add is ListTest.add_group)
        types = next(one for one in LISTS if one.add is ListTest.add_type)
        for listed in (groups, types):
            self.fill(listed, self.COUNT)
            every = [row["id"] for row in self.shown(listed)]
            found = []
            for page in self.walk(listed, limit=2):
                found += [row["id"] for row in page]
                self.remove(found[-1])
            self.assertEqual(every, found)

    def remove(self, row_id: str) -> None:
        self.types[:] = [t for t in self.types if t["id"] != row_id]
        with self.db.writer() as session:
            protection_groups.forget(session, row_id)

    def test_a_marker_that_no_link_had(self) -> None:
        for listed in LISTS:
            keys = listed.query["sort_key"]["enum"]
            odd = ["~A", "~____"]
            if "created_at" in keys:
                odd.append("~MjAyNi0xMy0wMQ")
            for place in odd:
                path = self.path(
                    listed,
                    marker=f"{uuid.uuid4()}{place}",
                    sort_key="created_at" if "created_at" in keys else "name",
                )
                self.refused(self.get(path), 400, "InvalidReference")


class CapTest(ListTest):
    OPTIONS = {"max_limit": 3}

    def test_a_page_has_at_most_the_operators_limit(self) -> None:
        for listed in LISTS:
            for _ in range(4):
                listed.add(self, next(self.numbers))
            for query in ({}, {"limit": 999999999}):
                pages = list(self.walk(listed, **query))
                self.assertEqual(3, len(pages[0]), listed.template)
                self.assertGreaterEqual(sum(map(len, pages)), 4)


class StatementTest(ListTest):
    """How many statements a list takes does not depend on its rows."""

    def test_no_list_asks_by_row(self) -> None:
        for listed in LISTS:
            self.fill(listed, 3)
            few = self.statements(listed)
            self.fill(listed, 12)
            self.assertEqual(few, self.statements(listed), listed.template)

    def statements(self, listed: Listed) -> int:
        with self.counted() as asked:
            self.shown(listed)
        return len(asked)

    @contextlib.contextmanager
    def counted(self) -> Iterator[list[str]]:
        asked: list[str] = []

        def remember(
            connection: Any, cursor: Any, statement: str, *rest: Any
        ) -> None:
            asked.append(statement)

        engine = self.db.engine
        sa.event.listen(engine, "before_cursor_execute", remember)
        try:
            yield asked
        finally:
            sa.event.remove(engine, "before_cursor_execute", remember)


def _is_list(declared: validation.Declaration) -> bool:
    """It answers several of something, and nothing else."""
    for entry in declared.responses.get(200, []):
        properties = entry.schema.get("properties", {})
        kinds = [p.get("type") for p in properties.values()]
        if kinds and set(kinds) == {"array"} and not declared.public:
            return True
    return False


def _sorted(rows: list[Json], key: str, direction: str) -> list[Json]:
    """The order that is promised; what is not shown orders by id alone."""
    return sorted(
        rows,
        key=lambda row: (row.get(key) or "", row["id"]),
        reverse=direction == "desc",
    )
