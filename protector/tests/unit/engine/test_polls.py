# SPDX-License-Identifier: Apache-2.0
"""Polls are shared, as long as they ask with the same credentials."""

import dataclasses

from protector.engine import polls
from protector.tests.unit.engine import arrival_case


class PollsTest(arrival_case.ArrivalCase):
    def test_shared_by_kind_project_and_credentials(self) -> None:
        found = polls.Polls(self.runtime)
        access = self.ctx.access(self.site.peer_id)
        first = found.servers(access, "p")
        self.assertIs(first, found.servers(access, "p"))
        self.assertIsNot(first, found.servers(access, "q"))
        self.assertIsNot(first, found.volumes(access, "p"))
        changed = dataclasses.replace(access, password="new")
        self.assertIsNot(first, found.servers(changed, "p"))
