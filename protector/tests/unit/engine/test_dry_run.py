# SPDX-License-Identifier: Apache-2.0
"""The answer of a dry run: plan, preflight and duration, as plain JSON."""

import json

from protector import constants as c
from protector import context, exception
from protector.db import models
from protector.engine import dry_run
from protector.tests.unit.engine import case, fake_project


class DryRunTest(case.EngineCase):
    def plan(self, verb: str, **args: str) -> dict:
        asked = context.RequestContext()
        return dry_run.plan(self.runtime, asked, verb, self.group_id, args)

    def test_it_crosses_the_bus(self) -> None:
        # without members there is something to find
        told = self.plan("replicate")
        self.assertEqual(told, json.loads(json.dumps(told)))
        self.assertEqual(
            [("members", "NoMembers", "error")],
            [
                (f["check"], f["code"], f["severity"])
                for f in told["preflight"]
                if f["check"] == "members"
            ],
        )

    def test_what_the_verb_is_refused_with(self) -> None:
        self.set_sides(array_group=(None, None))
        self.assertRaises(exception.InvalidStatus, self.plan, "replicate")
        self.set_group(status=c.GroupStatus.FAILED_OVER)
        self.assertRaises(
            exception.InvalidStatus, self.plan, "failover", type="planned"
        )

    def test_what_a_move_is_refused_with_is_in_its_plan(self) -> None:
        vars(self.boundary.clouds).update(vars(fake_project.Project()))
        self.peer.errors["check"] = exception.PeerUnreachable("away")
        with self.runtime.db.writer() as session:
            session.add(
                models.MetadataSync(
                    protection_group_id=self.group_id,
                    epoch=1,
                    version=3,
                    checksum="sum",
                    document="{}",
                    made_at=self.clock.now(),
                    remote_status=c.SyncStatus.FAILED,
                    remote_version=2,
                    attempts=1,
                )
            )
        told = self.plan("failover", type="planned")
        stopping = {
            f["code"] for f in told["preflight"] if f["severity"] == "error"
        }
        wanted = {"PeerUnreachable", "MetadataOutOfSync", "NoMembers"}
        self.assertLessEqual(wanted, stopping)
        names = [step["name"] for step in told["steps"]]
        self.assertIn("placement.preflight", names)
