# SPDX-License-Identifier: Apache-2.0
"""One site's API with a real Keystone's tokens and a real database, over
HTTP; what the engine does is only written down."""

import time
from typing import Any, ClassVar

import requests

from protector import constants as c
from protector.api import microversion, openapi, peering, routes
from protector.api.controllers import root
from protector.tests.functional.rbac import case as rbac
from protector.tests.fuzz import fuzzer
from protector.tests.unit.api import served

Json = dict[str, Any]
EXAMPLES = 48
SECONDS = 900
# seconds for the engine to end what was accepted
SETTLED = 1
# things of ``world`` by parameter or key
THINGS = {
    "tenant_id": "tenant",
    "project_id": "tenant",
    "local_project_id": "tenant",
    "protection_group_id": "group",
    "member_id": "member",
    "operation_id": "operation",
    "site_id": "site",
    "tenant_mapping_id": "tenant_mapping",
    "primary_site_id": "local_site",
    "secondary_site_id": "site",
    "executor_site_id": "site",
    "remote_site_id": "site",
    "recovery_point": "point",
    "step_id": "step",
    peering.HEADER: "site",
}


class ApplicationTest(rbac.RbacTest):
    """A subclass says who asks, and what: two run at a time."""

    DEFAULT_TIMEOUT = 560
    askers: ClassVar[tuple[str, ...]] = ("member", "admin")
    PATHS: ClassVar[tuple[str, ...]] = ()

    def setUp(self) -> None:
        super().setUp()
        answers = self.served.engine.answers
        answers["register_site"] = lambda **_: {"id": self.world.new()}
        answers["plan"] = {
            "steps": [],
            "preflight": [],
            "predicted_seconds": None,
        }
        answers["forward"] = self._forwarded
        self.world.reset({})

    def _forwarded(self, group_id: str, action: Json, **_: Any) -> Json:
        known = {v.value for v in c.Verb}
        verb = action["verb"]
        return {
            "operation": {
                "id": action["operation_id"],
                "protection_group_id": group_id,
                "kind": verb if verb in known else c.Verb.REPLICATE,
                "status": c.OperationStatus.PENDING,
                "origin_site_id": self.world.local_site(),
                "executor_site_id": self.world.site(),
                "source_site_id": self.world.local_site(),
                "target_site_id": self.world.site(),
            }
        }

    def fuzz(self) -> None:
        found = routes.walk(root.RootController())
        document = openapi.document(found, microversion.MAXIMUM)
        document["servers"] = [{"url": self.served.url}]
        run = fuzzer.Fuzzer(
            f"application-{type(self).__name__}", document, self
        )
        wanted = [o for o in run.operations() if self._is_mine(o.path)]
        try:
            run.run(wanted, EXAMPLES, SECONDS)
        finally:
            run.write_counts()
        told = "\n".join(f"{k}: {v}" for k, v in run.faults.items())
        self.assertEqual("", told, f"seed {run.seed}")

    def _is_mine(self, path: str) -> bool:
        return path.startswith(self.PATHS)

    # -- fuzzer.Target

    def thing(self, name: str, label: str) -> str | None:
        if name == "id":
            return None
        if name == "site_id" and label.startswith("DELETE"):
            return self.world.thing("unused_site")
        return self.world.thing(THINGS[name]) if name in THINGS else None

    def content(self) -> dict[str, Any]:
        self.before = self.world.content()
        return self.before

    def accepted(self, label: str) -> None:
        end = time.monotonic() + SETTLED
        before = set(self.before["operations"])
        while self._unfinished(before) and time.monotonic() < end:
            time.sleep(0.01)
        self.world.reset({})

    def _unfinished(self, before: set[Any]) -> bool:
        """Whether the engine has yet to end what the request began: one that
        was there before has no engine."""
        return any(
            row["status"] in c.UNFINISHED
            and row["executor_site_id"] == self.world.local_site()
            for row in set(self.world.content()["operations"]) - before
        )

    def send(self, person: str, request: Json) -> requests.Response:
        given = {**request, "headers": dict(request["headers"] or {})}
        given["headers"]["X-Auth-Token"] = self.people.tokens[person]
        return self.served.session.request(
            **given, timeout=served.DEADLINE, allow_redirects=False
        )

    def provoked(self, label: str, answer: requests.Response) -> bool:
        return False


class GroupsTest(ApplicationTest):
    """Groups alone, and with what belongs to them."""

    PATHS = ("/v1/{tenant_id}/protection-groups",)

    def test_groups(self) -> None:
        self.fuzz()


class OthersTest(ApplicationTest):
    def _is_mine(self, path: str) -> bool:
        other = (*GroupsTest.PATHS, *PeerTest.PATHS)
        return not path.startswith(other)

    def test_all_but_groups(self) -> None:
        self.fuzz()


class PeerTest(ApplicationTest):
    """The user that peer sites sign in as, and one that may not."""

    askers = ("peer", "member")
    PATHS = ("/v1/peer/",)

    def test_what_the_peer_may_ask(self) -> None:
        self.fuzz()
