# SPDX-License-Identifier: Apache-2.0
"""The policy over HTTP; its array fields are the operator's."""

from typing import Any

from protector import constants as c
from protector.conf import arrays
from protector.db.api import replication_policies
from protector.tests.unit.api import served

TOKEN = "9f1c6a52-token"
URL = "https://array-a.example/"


class PolicyTest(served.ApiTest):
    def setUp(self) -> None:
        super().setUp()
        self.group_id = self.site.group()
        self.path = f"/protection-groups/{self.group_id}/policy"
        conf = self.served.runtime.conf
        conf.set_override("arrays", ["array-a"], "storage")
        arrays.register_opts(conf, ["array-a"])
        conf.set_override("management_address", "array-a.example", "array-a")

    def put(self, roles: str = "member,reader", **values: Any) -> Any:
        return self.tenant("PUT", self.path, {"policy": values}, roles=roles)

    def row(self) -> Any:
        with self.db.reader() as session:
            return replication_policies.find(session, self.group_id)

    def test_defaults_complete_what_is_given(self) -> None:
        self.refused(self.tenant("GET", self.path), 404, "NotFound")
        shown = self.ok(self.put(replication_interval_minutes=10))["policy"]
        self.assertEqual(10, shown["replication_interval_minutes"])
        self.assertEqual(30, shown["rpo_minutes"])
        self.assertEqual(
            shown, self.ok(self.tenant("GET", self.path))["policy"]
        )

    def test_of_the_retention_one_number(self) -> None:
        kept = {"all_for_hours": 24, "per_day": 4, "days": 7}
        for given in ({"days": 9}, {"per_day": 0, "days": 9}):
            kept |= given
            shown = self.ok(self.put(retention=given))["policy"]
            self.assertEqual(kept, shown["retention"])
        self.engine.finishes = False
        self.served.runtime.conf.set_override("settle_timeout", 0, "api")
        shown = self.ok(self.put(retention={"days": 8}), 202)["policy"]
        self.assertEqual(kept | {"days": 8}, shown["retention"])

    def test_bad_values(self) -> None:
        for values in (
            {},
            {"replication_interval_minutes": 0},
            {"rpo_minutes": "10"},
            {"retention": {}},
            {"retention": {"weeks": 1}},
            {"pure_pg_name": "a b"},
            {"primary_fa_api_token": "two words"},
            {"prestage": 1},
        ):
            self.refused(self.put(**values), 400, "BadRequest")

    def test_only_operators_choose_arrays(self) -> None:
        answer = self.put(primary_fa_api_token=TOKEN)
        self.refused(answer, 403, "PolicyForbidden")
        self.assertIsNone(self.row())

    def test_a_token_is_sealed_and_never_shown(self) -> None:
        answer = self.put(
            "admin",
            primary_fa_url=URL,
            primary_fa_api_token=TOKEN,
        )
        self.ok(answer)
        self.assertNotIn(TOKEN, answer.text)
        sealed = self.row().sealed_primary_fa_api_token
        self.assertNotIn(TOKEN, sealed)
        sealer = self.served.runtime.sealer
        self.assertEqual(TOKEN, sealer.open(sealed))
        self.assertEqual([], self.all_operations())
        self.assertNotIn(TOKEN, self.log_output)

    def test_a_bad_token_is_not_repeated(self) -> None:
        answer = self.put("admin", primary_fa_api_token=f"{TOKEN} {TOKEN}")
        self.refused(answer, 400, "BadRequest")
        self.assertNotIn(TOKEN, answer.text)

    def test_an_address_must_be_configured(self) -> None:
        answer = self.put("admin", primary_fa_url="https://elsewhere/")
        self.refused(answer, 400, "InvalidReference")

    def test_an_address_that_is_none(self) -> None:
        for url in (
            "http://£]X",
            "http://[",
            "https://array:99999/",
            "https://array:port/",
            "https://:443/",
            "https://\N{LATIN SMALL LETTER E WITH GRAVE}/",
        ):
            with self.subTest(url=url):
                answer = self.put("admin", primary_fa_url=url)
                self.refused(answer, 400, "BadRequest")
                self.assertIn("primary_fa_url", answer.text)

    def test_arrays_are_set_at_either_site(self) -> None:
        self.set_group(
            self.group_id,
            current_primary_site_id=self.site.peer_id,
            status=c.GroupStatus.FAILED_OVER,
        )
        self.ok(self.put("admin", secondary_fa_url=URL))
        answer = self.put("admin", secondary_fa_url=URL, rpo_minutes=60)
        self.refused(answer, 409, "NotPrimarySite")

    def test_both_kinds_in_one_request(self) -> None:
        self.ok(self.put("admin", primary_fa_url=URL, rpo_minutes=60))
        row = self.row()
        self.assertEqual((URL, 60), (row.primary_fa_url, row.rpo_minutes))
        (operation,) = self.all_operations()
        self.assertEqual({"rpo_minutes": 60}, operation.args)

    def test_delete(self) -> None:
        self.refused(self.tenant("DELETE", self.path), 404, "NotFound")
        self.ok(self.put(rpo_minutes=60))
        self.ok(self.tenant("DELETE", self.path), 204)
        self.assertIsNone(self.row())

    def test_what_takes_longer_shows_what_will_be(self) -> None:
        self.engine.finishes = False
        self.served.runtime.conf.set_override("settle_timeout", 0, "api")
        shown = self.ok(self.put(rpo_minutes=45), 202)["policy"]
        self.assertEqual(45, shown["rpo_minutes"])
