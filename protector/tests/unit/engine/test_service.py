# SPDX-License-Identifier: Apache-2.0
"""The periodic pushes of an engine."""

from protector.db.api import metadata_sync, protection_groups
from protector.engine import service
from protector.tests.unit.engine import case


class PushTest(case.EngineCase):
    def test_one_bad_group_does_not_stop_the_others(self) -> None:
        groups = [self.group_id, self.site.group(), self.site.group()]
        with self.runtime.db.writer() as session:
            for group_id in groups:
                metadata_sync.settle(
                    session,
                    protection_groups.get(session, group_id),
                    self.site.local_id,
                    self.clock.now(),
                )
        bad = sorted(groups)[1]
        self.peer.errors[bad] = RuntimeError("something")
        self.clock.advance(60)
        service.Engine(self.runtime)._push_unsent()
        self.assertEqual(set(groups) - {bad}, set(self.peer.pushed))
