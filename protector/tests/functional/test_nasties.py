# SPDX-License-Identifier: Apache-2.0
"""Bad input, written by hand: each is refused with a text that helps, and
the database is as it was."""

import dataclasses
import json
from typing import Any
import uuid

import requests

from protector.api import microversion
from protector.db import models
from protector.tests.unit.api import served

Json = dict[str, Any]
NOBODY = "00000000-0000-4000-8000-000000000000"
GROUPS = "/v1/p-here/protection-groups"
GROUP = GROUPS + "/{group}"
MEMBERS = GROUP + "/members"
ADMIN = "admin,member,reader"
JSON = {"Content-Type": "application/json"}


@dataclasses.dataclass(frozen=True)
class Case:
    """``{group}`` and the like in texts are ids of what is there.

    :ivar says: words of the message.
    """

    method: str
    path: str
    status: int
    reason: str
    says: tuple[str, ...] = ()
    body: Any = None
    raw: bytes | None = None
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    roles: str = "member,reader"
    project: str = "p-here"


def new(**values: Any) -> Json:
    """The body of a new group; ``None`` leaves a field out."""
    body = {
        "name": "web",
        "replication_type": "async",
        "primary_site_id": "{here}",
        "secondary_site_id": "{there}",
        "volume_type_id": "ssd",
        **values,
    }
    return {
        "protection_group": {k: v for k, v in body.items() if v is not None}
    }


def bad(where: str, **values: Any) -> Case:
    """A new group with a bad field, which the refusal must name."""
    return Case("POST", GROUPS, 400, "BadRequest", (where,), new(**values))


def text(raw: bytes, *says: str) -> Case:
    return Case("POST", GROUPS, 400, "BadRequest", says, raw=raw)


def gone(path: str, method: str = "GET", **more: Any) -> Case:
    return Case(method, path, 404, "NotFound", (), **more)


def listed(query: str, *says: str) -> Case:
    return Case("GET", f"{GROUPS}?{query}", 400, "BadRequest", says)


FIELDS = (
    *(bad("protection_group/name", name=n) for n in (5, "", " ", "x" * 256)),
    *(bad("protection_group/name", name=n) for n in ([], {}, True)),
    *(
        bad("protection_group/name", name=f"a{c}b")
        for c in ("\0", "\n", "\t", "\x1b", "\x7f", "\r")
    ),
    # "$" in Python also matches before the last newline
    bad("protection_group/name", name="web\n"),
    bad("protection_group/volume_type_id", volume_type_id="ssd\n"),
    bad("protection_group/description", description="a\0b"),
    bad("protection_group/description", description="x" * 4097),
    bad("secret", secret="x"),
    bad("protection_group/replication_type", replication_type="ASYNC"),
    bad("protection_group/primary_site_id", primary_site_id="{HERE}"),
    bad("protection_group/primary_site_id", primary_site_id="site-a"),
    bad("protection_group/primary_site_id", primary_site_id=["{here}"]),
    bad("'name'", name=None),
    Case("POST", GROUPS, 400, "BadRequest", ("protection_group",), {}),
    Case("POST", GROUPS, 400, "BadRequest", ("The body",), []),
    Case("POST", GROUPS, 400, "BadRequest", ("The body",), "web"),
    Case("POST", GROUPS, 400, "BadRequest", ("The body",), 7),
    Case("POST", GROUPS, 400, "BadRequest", ("The body",)),
    Case("POST", GROUPS, 400, "BadRequest", ("other",), {**new(), "other": 1}),
    Case("PUT", GROUP, 400, "BadRequest", (), {"protection_group": {}}),
    Case(
        "POST",
        MEMBERS,
        400,
        "BadRequest",
        ("member/volume_ids",),
        {"member": {"instance_id": NOBODY, "volume_ids": [NOBODY, NOBODY]}},
    ),
    Case(
        "POST",
        GROUP + "/action",
        400,
        "BadRequest",
        ("exactly one action", "failover"),
        {"failover": {"type": "planned"}, "replicate": {}},
    ),
    Case(
        "POST",
        GROUP + "/action",
        400,
        "BadRequest",
        ("exactly one action",),
        {"explode": {}},
    ),
    Case(
        "PUT",
        GROUP + "/policy",
        400,
        "BadRequest",
        ("policy/rpo_minutes",),
        {"policy": {"rpo_minutes": 10**30}},
    ),
    Case(
        "PUT",
        GROUP + "/mappings",
        400,
        "BadRequest",
        ("mappings/networks/0/primary",),
        {"mappings": {"networks": [{"primary": 1, "secondary": "x"}]}},
    ),
)
TEXTS = (
    text(b'{"protection_group": {"name": "a", "name": "b"}}', "twice"),
    text(b'{"protection_group": NaN}', "NaN"),
    text(b'{"protection_group": {"name": -Infinity}}', "-Infinity"),
    text(b'{"protection_group": {"name": 1e999}}', "1e999"),
    text(b"[" * 100 + b"]" * 100, "nested deeper"),
    text(b'{"a":' * 40 + b"1" + b"}" * 40, "nested deeper"),
    text(b'{"protection_group": {"name": "\\ud83d"}}', "UTF-8"),
    text(b'{"protection_group": {"name": "\xff"}}', "UTF-8"),
    text(b"\xef\xbb\xbf{}", "BOM"),
    text(b"{'protection_group': 1}", "line 1"),
    text(b"protection_group=1", "line 1"),
    text(b'{"protection_group": {}} {}', "line 1"),
    Case(
        "POST",
        GROUPS,
        413,
        "BodyTooLarge",
        ("larger than",),
        raw=b'{"protection_group": "' + b"x" * (1 << 20) + b'"}',
    ),
    *(
        Case(
            "POST",
            GROUPS,
            415,
            "UnsupportedMediaType",
            ("type",),
            raw=b"{}",
            headers={"Content-Type": kind},
        )
        for kind in (
            "",
            "text/plain",
            "application/xml",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/json-patch+json",
            "nonsense",
        )
    ),
    Case(
        "POST",
        GROUPS,
        415,
        "UnsupportedMediaType",
        ("latin-1", "UTF-8"),
        raw=b"{}",
        headers={"Content-Type": "application/json; charset=latin-1"},
    ),
)
PATHS = (
    gone(f"{GROUPS}/{{GROUP}}"),
    gone(f"{GROUPS}/{NOBODY}"),
    gone(f"{GROUPS}/..%2f..%2f..%2fetc%2fpasswd"),
    gone(f"{GROUPS}/%2e%2e/sites"),
    gone(f"{GROUPS}//{{group}}"),
    gone("/v1//protection-groups"),
    gone("/v1/p-here%2fprotection-groups/x"),
    gone(f"{GROUPS}/{{group}}%00"),
    gone(f"{GROUPS}/{{group}}%0a"),
    gone(f"{GROUPS}/{{group}};x=1"),
    gone(f"{GROUPS}/{{group}}.json"),
    gone(f"{GROUPS}/%c3%28"),
    gone("/V1/p-here/protection-groups"),
    gone("/v1/p-here/Protection-Groups"),
    # of another tenant, in each place
    gone(f"{GROUPS}/{{other_group}}"),
    gone(f"{GROUPS}/{{other_group}}", "DELETE"),
    gone(f"{GROUPS}/{{other_group}}/members/{{member}}"),
    gone("/v1/p-other/protection-groups"),
    # ids of other kinds
    gone(f"{GROUPS}/{{here}}"),
    gone(f"{GROUPS}/{{member}}"),
    gone(f"{GROUPS}/{{group}}/members/{{group}}"),
    gone("/v1/p-here/operations/{group}"),
    gone("/v1/p-here/sites/{group}"),
    Case(
        "POST",
        GROUPS,
        400,
        "InvalidReference",
        ("secondary_site_id", "{group}"),
        new(secondary_site_id="{group}"),
    ),
    Case(
        "PUT",
        GROUP + "/mappings",
        400,
        "InvalidReference",
        ("boot_tiers", "{other_member}"),
        {"mappings": {"boot_tiers": [{"members": ["{other_member}"]}]}},
    ),
    Case(
        "POST",
        "/v1/admin/tenant-mappings",
        400,
        "InvalidReference",
        ("remote_site_id",),
        {
            "tenant_mapping": {
                "local_project_id": "p",
                "remote_site_id": "{here}",
                "remote_project_id": "p",
            }
        },
        roles=ADMIN,
    ),
)
QUERIES = (
    *(
        listed(f"limit={v}", "limit")
        for v in ("-1", "0", "1e3", "abc", "", "9" * 30, "1.5", "%0a5", "5%0a")
    ),
    *(listed(f"marker={v}", "marker") for v in ("x", "", "-1", "%00")),
    *(listed(f"sort_key={v}", "sort_key") for v in ("x", "project_id", "")),
    *(listed(f"sort_dir={v}", "sort_dir") for v in ("up", "ASC")),
    *(
        listed(f"changes_since={v}", "changes_since")
        for v in ("yesterday", "2026-01-01", "2026-13-01T00:00:00Z")
    ),
    listed("nmae=x", "nmae"),
    listed("name=a&name=b", "name", "twice"),
    listed("name=%ff", "query"),
    listed("&".join(f"x{n}=1" for n in range(100)), "query"),
    Case(
        "GET",
        f"{GROUPS}?marker={NOBODY}",
        400,
        "InvalidReference",
        ("marker", NOBODY),
    ),
)
HEADERS = (
    *(
        Case(
            "GET",
            GROUPS,
            400,
            "MalformedVersion",
            (microversion.HEADER, wrong),
            headers={microversion.HEADER: f"protector {wrong}"},
        )
        for wrong in ("1", "one", "1.1.1", "-1.1", "1.x", "newest")
    ),
    *(
        Case(
            "GET",
            GROUPS,
            406,
            "VersionNotAcceptable",
            (wrong, "1.0"),
            headers={microversion.HEADER: f"protector {wrong}"},
        )
        for wrong in ("1.99", "2.0", "0.9", "9999.9999")
    ),
    Case(
        "GET",
        GROUPS,
        406,
        "NotAcceptable",
        ("JSON",),
        headers={"Accept": "text/html"},
    ),
)


class NastiesTest(served.ApiTest):
    def setUp(self) -> None:
        super().setUp()
        group, other = self.site.group(), self.site.group(project_id="p-other")
        self.ids = {
            "here": self.site.local_id,
            "HERE": self.site.local_id.upper(),
            "there": self.site.peer_id,
            "group": group,
            "GROUP": group.upper(),
            "other_group": other,
            "member": self.site.member(group),
            "other_member": self.site.member(other),
        }

    def fill(self, given: Any) -> Any:
        """Ids in the place of their names in braces."""
        if isinstance(given, dict):
            return {k: self.fill(v) for k, v in given.items()}
        if isinstance(given, list):
            return [self.fill(v) for v in given]
        if isinstance(given, str):
            for name, found in self.ids.items():
                given = given.replace(f"{{{name}}}", found)
        return given

    def content(self) -> Json:
        """All rows of all tables."""
        with self.db.reader() as session:
            return {
                table.name: list(map(tuple, session.execute(table.select())))
                for table in models.Base.metadata.sorted_tables
            }

    def send(self, case: Case) -> requests.Response:
        """As it is: nothing in between tidies the path."""
        headers = dict(case.headers)
        more: Json = {}
        if case.raw is not None:
            more["data"] = case.raw
            headers = JSON | headers
        with requests.Session() as session:
            session.trust_env = False
            request = requests.Request(
                case.method,
                self.served.url,
                headers={
                    "X-Project-Id": case.project,
                    "X-Roles": case.roles,
                    "X-User-Id": "u-1",
                    microversion.HEADER: "protector 1.2",
                    **headers,
                },
                json=self.fill(case.body),
                **more,
            )
            prepared = session.prepare_request(request)
            prepared.url = self.served.url + self.fill(case.path)
            if headers.get("Content-Type") == "":
                del prepared.headers["Content-Type"]
            return session.send(prepared, timeout=served.DEADLINE)

    def all_refused(self, cases: tuple[Case, ...]) -> None:
        before, wrong = self.content(), []
        for case in cases:
            answer = self.send(case)
            fault = self._fault(case, answer, before)
            if fault is not None:
                sent = case.raw[:60] if case.raw else case.body
                wrong.append(f"{case.method} {case.path} {sent}: {fault}")
        self.assertEqual([], wrong, "\n".join(wrong))

    def _fault(
        self, case: Case, answer: requests.Response, before: Json
    ) -> str | None:
        error = answer.json().get("error", {})
        told = (answer.status_code, error.get("reason"))
        if told != (case.status, case.reason):
            return f"{told} {answer.text[:300]}"
        for word in case.says:
            if self.fill(word) not in error["message"]:
                return f"{word} is not in: {error['message']}"
        request_id = answer.headers["x-openstack-request-id"]
        if error["request_id"] != request_id:
            return "another request id"
        if self.content() != before:
            return "the database changed"
        if self.engine.calls:
            return f"the engine was asked: {self.engine.calls}"
        return None

    def test_fields(self) -> None:
        self.all_refused(FIELDS)

    def test_texts(self) -> None:
        self.all_refused(TEXTS)

    def test_paths_and_ids(self) -> None:
        self.all_refused(PATHS)

    def test_queries(self) -> None:
        self.all_refused(QUERIES)

    def test_headers(self) -> None:
        self.all_refused(HEADERS)

    def test_a_header_without_an_end(self) -> None:
        headers = {"X-Long": "x" * (1 << 20)}
        answer = self.send(
            Case("GET", GROUPS, 400, "BadRequest", headers=headers)
        )
        self.assertIn(answer.status_code, (400, 413, 431))
        error = answer.json()["error"]
        self.assertEqual(answer.status_code, error["code"])
        self.assertTrue(error["message"])

    def test_request_ids_are_not_taken_over_unchecked(self) -> None:
        for given in ("x", "req-1", "req-" + "x" * 900, "../../etc"):
            case = Case(
                "GET",
                GROUPS,
                200,
                "",
                headers={"X-Openstack-Request-Id": given},
            )
            answer = self.send(case)
            self.assertEqual(200, answer.status_code)
            found = answer.headers["x-openstack-request-id"]
            self.assertNotEqual(given, found)
            self.assertEqual(f"req-{uuid.UUID(found[4:])}", found)

    def test_names_of_the_world(self) -> None:
        for name in (
            "\U0001f468\u200d\U0001f469\u200d\U0001f467",
            "\u0645\u062c\u0645\u0648\u0639\u0629",
            "a\u0301\u0323",
            "\u540d" * 255,
            "\U0001f600" * 255,
            "'; drop table sites; --",
            "<script>alert(1)</script>",
            "%s {0} ${x} ../..",
        ):
            body = new(name=name)
            answer = self.send(Case("POST", GROUPS, 202, "", body=body))
            shown = self.ok(answer, 202)["protection_group"]
            self.assertEqual(name, shown["name"])
            listed = self.ask("GET", GROUPS, params={"name": name[:255]})
            found = self.ok(listed)["protection_groups"]
            self.assertEqual([shown["id"]], [g["id"] for g in found], name)
            self.assertEqual(
                json.loads(listed.text)["protection_groups"], found
            )
