# SPDX-License-Identifier: Apache-2.0
"""The answer of a dry run: plan, preflight and duration, as plain JSON."""

import json

from protector import context, exception
from protector.engine import dry_run
from protector.tests.unit.engine import case


class DryRunTest(case.EngineCase):
    def plan(self, verb: str) -> dict:
        asked = context.RequestContext()
        return dry_run.plan(self.runtime, asked, verb, self.group_id, {})

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
