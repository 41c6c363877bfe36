# SPDX-License-Identifier: Apache-2.0
"""Mappings over HTTP."""

from typing import Any

from protector import exception
from protector.tests.unit.api import served

NETWORKS = [{"primary": "net-a", "secondary": "net-b"}]


class MappingsTest(served.ApiTest):
    def setUp(self) -> None:
        super().setUp()
        self.path = f"/protection-groups/{self.site.group()}/mappings"
        self.engine.answers["precheck", "mappings_set"] = self.resolve

    def resolve(self, args: Any, **kwargs: Any) -> Any:
        """Ids for names, as the engine does."""
        mappings = dict(args["mappings"])
        for pair in mappings.get("networks", []):
            pair["primary"] = pair["primary"].upper()
        return {"mappings": mappings}

    def test_without_any_every_kind_is_empty(self) -> None:
        shown = self.ok(self.tenant("GET", self.path))["mappings"]
        self.assertEqual(6, len(shown))
        self.assertEqual([[]] * 6, list(shown.values()))

    def test_put_replaces(self) -> None:
        body = {"mappings": {"networks": NETWORKS}}
        shown = self.ok(self.tenant("PUT", self.path, body))["mappings"]
        self.assertEqual("NET-A", shown["networks"][0]["primary"])
        body = {"mappings": {"flavors": NETWORKS}}
        shown = self.ok(self.tenant("PUT", self.path, body))["mappings"]
        self.assertEqual([], shown["networks"])
        self.assertEqual(1, len(shown["flavors"]))

    def test_bad_bodies(self) -> None:
        for mappings in (
            {"networks": {}},
            {"networks": [{"primary": "x"}]},
            {"flavors": [{"primary": "x", "secondary": "y", "z": 1}]},
            {"boot_tiers": [{"members": ["web"]}]},
            {"colours": []},
        ):
            answer = self.tenant("PUT", self.path, {"mappings": mappings})
            self.refused(answer, 400, "BadRequest")

    def test_boot_tiers_hold_members_of_this_group(self) -> None:
        group_id = self.path.split("/")[2]
        mine = self.site.member(group_id)
        tiers = [{"members": [mine], "delay_seconds": 5}]
        body = {"mappings": {"boot_tiers": tiers}}
        self.ok(self.tenant("PUT", self.path, body))
        # there, but of another project's group
        theirs = self.site.member(self.site.group(project_id="p-other"))
        tiers.append({"members": [theirs]})
        answer = self.tenant("PUT", self.path, body)
        error = self.refused(answer, 400, "InvalidReference")
        self.assertIn(theirs, error["message"])
        self.assertEqual("boot_tiers", error["details"]["field"])
        self.assertEqual(1, len(self.engine.called("precheck")))

    def test_a_member_starts_once(self) -> None:
        mine = self.site.member(self.path.split("/")[2])
        body = {"mappings": {"boot_tiers": [{"members": [mine]}] * 2}}
        answer = self.tenant("PUT", self.path, body)
        error = self.refused(answer, 400, "BadRequest")
        self.assertIn(mine, error["message"])
        self.assertEqual("boot_tiers", error["details"]["field"])

    def test_what_does_not_exist_is_refused(self) -> None:
        self.engine.refusals["precheck", "mappings_set"] = (
            exception.InvalidReference("There is no network net-a.")
        )
        body = {"mappings": {"networks": NETWORKS}}
        answer = self.tenant("PUT", self.path, body)
        self.refused(answer, 400, "InvalidReference")

    def test_the_proposal_is_the_engines(self) -> None:
        self.engine.answers["propose_mappings"] = {"networks": NETWORKS}
        path = f"{self.path}/proposal"
        shown = self.ok(self.tenant("GET", path, roles="reader"))
        self.assertEqual({"mappings": {"networks": NETWORKS}}, shown)
