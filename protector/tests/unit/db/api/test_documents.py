# SPDX-License-Identifier: Apache-2.0
"""Documents: what one site's rows say, the other site's rows say."""

import json
from typing import Any

import sqlalchemy as sa

from protector import constants as c
from protector import exception
from protector.db import models
from protector.db.api import (
    consistency_groups,
    documents,
    metadata_sync,
)
from protector.tests.fixtures import site_runtime
from protector.tests.unit.db.api import database, full_group

NOW = database.NOW
LATER = NOW.replace(hour=20)

# Columns that are a site's own, and why they may differ. What is not named
# here has to be equal at both sites.
OWN: dict[Any, set[str]] = {
    models.ProtectionGroup: {
        # the project of the site
        "project_id",
        # about what runs and was seen here
        "epoch_seen",
        "operation_id",
        "last_operation_id",
        "error_verb",
        "last_replication_at",
        "conditions",
        "updated_at",
        "deleted",
    },
    models.ConsistencyGroup: set(),
    models.ConsistencyGroupSide: set(),
    models.Member: {"recoverable_at", "updated_at"},
    models.MemberCopy: set(),
    models.VolumeCopy: set(),
    models.ReplicationPolicy: {
        "primary_fa_url",
        "secondary_fa_url",
        "sealed_primary_fa_api_token",
        "sealed_secondary_fa_api_token",
        "updated_at",
    },
    models.ResourceMapping: {"created_at", "updated_at"},
}


def rows(site: site_runtime.SiteRuntime) -> dict[str, list[dict[str, Any]]]:
    """All that must be equal, by table, in the order of the keys."""
    found = {}
    with site.runtime.db.reader() as session:
        for model, own in OWN.items():
            table = model.__table__
            shared = [x for x in table.columns if x.name not in own]
            statement = sa.select(*shared).order_by(*table.primary_key)
            found[table.name] = [
                dict(row._mapping) for row in session.execute(statement)
            ]
    return found


class PairTest(database.DatabaseTest):
    """A full group at one site; the other site is empty."""

    def setUp(self) -> None:
        super().setUp()
        self.other = self.peer()
        self.group_id = full_group.make(self.site)

    def settle(self, site: site_runtime.SiteRuntime | None = None) -> bytes:
        site = site or self.site
        with site.runtime.db.writer() as session:
            group = session.get(models.ProtectionGroup, self.group_id)
            metadata_sync.settle(session, group, site.local_id, NOW)
            sync = metadata_sync.find(session, self.group_id)
            return sync.document.encode()

    def receive(
        self, raw: bytes, site: site_runtime.SiteRuntime | None = None
    ) -> None:
        site = site or self.other
        with site.runtime.db.writer() as session:
            metadata_sync.receive(
                session, site.local_id, site.peer_id, raw, LATER
            )


class DocumentsTest(PairTest):
    def test_the_other_site_says_the_same_in_every_column(self) -> None:
        self.receive(self.settle())
        here, there = rows(self.site), rows(self.other)
        for table, expected in here.items():
            self.assertNotEqual([], expected, table)
            self.assertEqual(expected, there[table], table)
        with self.other.runtime.db.reader() as session:
            group = session.get(models.ProtectionGroup, self.group_id)
            self.assertEqual("p-there", group.project_id)
            self.assertEqual(full_group.AT, group.last_failover_at)

    def test_a_later_document_changes_removes_and_adds(self) -> None:
        self.receive(self.settle())
        with self.site.runtime.db.writer() as session:
            group = session.get(models.ProtectionGroup, self.group_id)
            group.name, group.description = "renamed", ""
            web, db = session.query(models.Member).order_by("instance_name")
            session.delete(web)
            db.recipe = {**db.recipe, "name": "db2"}
            db.copies[0].stop_request_id = None
            db.copies[0].ports = []
            db.volumes[0].size_gb = 99
            session.delete(db.volumes[3])
            session.delete(session.get(models.ResourceMapping, group.id))
            session.query(models.ReplicationPolicy).one().rpo_minutes = 5
            side = session.query(models.ConsistencyGroupSide).first()
            side.schedule_enabled = not side.schedule_enabled
        self.site.member(self.group_id, "new")
        self.receive(self.settle())
        self.assertEqual(rows(self.site), rows(self.other))
        self.assertEqual(2, len(rows(self.other)["members"]))
        self.assertEqual([], rows(self.other)["resource_mappings"])

    def test_the_same_server_protected_again_is_another_member(self) -> None:
        self.receive(self.settle())
        with self.site.runtime.db.writer() as session:
            member = session.query(models.Member).first()
            instance_id, gone = member.instance_id, member.id
            session.delete(member)
        fresh = self.site.member(self.group_id, "again")
        with self.site.runtime.db.writer() as session:
            session.get(models.Member, fresh).instance_id = instance_id
        self.receive(self.settle())
        self.assertEqual(rows(self.site), rows(self.other))
        self.assertNotIn(gone, {m["id"] for m in rows(self.other)["members"]})

    def test_no_secret_and_nothing_volatile_leaves(self) -> None:
        document = self.settle().decode()
        for secret in full_group.SECRETS:
            self.assertNotIn(secret, document)
        before = json.loads(document)
        with self.site.runtime.db.writer() as session:
            group = session.get(models.ProtectionGroup, self.group_id)
            group.conditions = {"Degraded": {"status": True}}
            group.last_replication_at = LATER
            group.last_operation_id = database.new_id()
            for member in session.query(models.Member):
                member.recoverable_at = LATER
        after = json.loads(self.settle())
        del before["version"], after["version"]
        self.assertEqual(before, after)

    def test_the_array_fields_of_a_policy_stay_a_sites_own(self) -> None:
        self.receive(self.settle())
        with self.other.runtime.db.writer() as session:
            policy = session.query(models.ReplicationPolicy).one()
            self.assertIsNone(policy.primary_fa_url)
            policy.primary_fa_url = "https://mine"
            policy.sealed_primary_fa_api_token = "sealed-mine"
        self.receive(self.settle())
        with self.other.runtime.db.reader() as session:
            policy = session.query(models.ReplicationPolicy).one()
            self.assertEqual("https://mine", policy.primary_fa_url)
            self.assertEqual("sealed-mine", policy.sealed_primary_fa_api_token)

    def test_only_settled_members_are_told(self) -> None:
        with self.site.runtime.db.writer() as session:
            web, db = session.query(models.Member).order_by("instance_name")
            web.status = c.MemberStatus.PROTECTING
            db.status = c.MemberStatus.REMOVING
            expected = [(db.id, "protected")]
        document = json.loads(self.settle())
        self.assertEqual(
            expected, [(m["id"], m["status"]) for m in document["members"]]
        )
        with self.site.runtime.db.writer() as session:
            session.get(models.Member, expected[0][0]).status = "error"
        self.assertEqual([], json.loads(self.settle())["members"])


class UnknownFieldsTest(PairTest):
    """A newer release at the peer writes what this one does not know."""

    def newer(self, raw: bytes) -> dict[str, Any]:
        document = json.loads(raw)
        for part in self.parts(document):
            part["from_2030"] = {"kept": True}
        return document

    @staticmethod
    def parts(document: dict[str, Any]) -> list[dict[str, Any]]:
        """Every object of a document that has a fixed set of fields."""
        found = [document, document["group"], document["policy"]]
        found.append(document["consistency_group"])
        found += document["consistency_group"]["sides"]
        for member in document["members"]:
            found += [member, *member["copies"], *member["volumes"]]
        return found

    def test_unknown_fields_are_kept_and_passed_on(self) -> None:
        document = self.newer(self.settle())
        document["mappings"]["from_2030"] = [1]
        self.receive(json.dumps(document).encode())
        with self.other.runtime.db.writer() as session:
            group = session.get(models.ProtectionGroup, self.group_id)
            group.current_primary_site_id = self.other.local_id
        passed_on = json.loads(self.settle(self.other))
        parts = self.parts(passed_on)
        self.assertEqual(5 + 1 + 2 * (1 + 2 + 4), len(parts))
        for part in parts:
            self.assertEqual({"kept": True}, part.get("from_2030"), part)
        self.assertEqual([1], passed_on["mappings"]["from_2030"])


class RefusalTest(PairTest):
    """What the sender may not say."""

    def refused(self, document: Any) -> exception.BadRequest:
        raw = json.dumps(document).encode()
        error = self.assertRaises(exception.BadRequest, self.receive, raw)
        for table, found in rows(self.other).items():
            self.assertEqual([], found, table)
        return error

    def document(self, **group: Any) -> dict[str, Any]:
        document = json.loads(self.settle())
        document["group"] |= group
        return document

    def test_a_group_of_other_sites(self) -> None:
        self.refused(self.document(secondary_site_id=database.new_id()))

    def test_a_maker_that_is_not_the_primary(self) -> None:
        document = self.document()
        document["origin_site_id"] = self.other.local_id
        self.refused(document)
        self.refused(
            self.document(current_primary_site_id=self.other.local_id)
        )

    def test_a_document_without_a_part(self) -> None:
        whole = self.document()
        for name in set(whole) - {"schema"}:
            self.refused({k: v for k, v in whole.items() if k != name})
        for name in documents.GROUP:
            group = {k: v for k, v in whole["group"].items() if k != name}
            self.refused(whole | {"group": group})

    def test_ids_of_rows_that_are_not_the_groups(self) -> None:
        """A peer reaches nothing of another group by naming it."""
        self.receive(self.settle())
        mine = self.document()
        for part in ("group", "consistency_group", "members"):
            other_id = self.other.group()
            document = json.loads(json.dumps(mine))
            document["version"] += 1
            if part == "group":
                # there, but between this site and a third one
                third = database.new_id()
                other_id = self.other.group(secondary_site_id=third)
                document["group"] |= {"id": other_id, "name": "taken"}
            elif part == "members":
                member_id = self.other.member(other_id)
                document["members"][0]["id"] = member_id
            else:
                with self.other.runtime.db.reader() as session:
                    row = consistency_groups.find(session, other_id)
                document["consistency_group"]["id"] = row.id
            before = rows(self.other)
            raw = json.dumps(document).encode()
            self.assertRaises(exception.InvalidReference, self.receive, raw)
            self.assertEqual(before, rows(self.other), part)

    def test_what_is_no_document(self) -> None:
        for strange in (None, 5, "x", [], {}, {"epoch": 1, "version": 1}):
            self.refused(strange)
        whole = self.document()
        self.refused(whole | {"group": []})
        self.refused(whole | {"members": None})
        self.refused(whole | {"epoch": "1"})
