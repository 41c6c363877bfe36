# SPDX-License-Identifier: Apache-2.0
"""Servers that a move made here, and that no document ever named."""

from protector.db import models
from protector.db.api import older_side
from protector.tests.unit.db.api import database

SERVER = "made-by-a-claim-that-came-to-nothing"


class OlderSideTest(database.DatabaseTest):
    def setUp(self) -> None:
        super().setUp()
        self.group_id = self.site.group()
        self.member_id = self.site.member(self.group_id)
        self.hold(SERVER, "gone")

    def hold(self, server_id: str | None, role: str) -> None:
        with self.db.writer() as session:
            row = session.get_one(models.MemberCopy, self.key())
            row.server_id, row.role = server_id, role

    def key(self) -> tuple[str, str]:
        return self.member_id, self.site.local_id

    def unnamed(self, named: str | None, overtaken: bool) -> dict[str, str]:
        held = {"members": [{"copies": [{"server_id": named}]}]}
        with self.db.reader() as session:
            return older_side.unnamed(
                session, self.group_id, self.site.local_id, held, overtaken
            )

    def test_it_is_found_when_the_group_goes_on_elsewhere(self) -> None:
        found = {self.member_id: SERVER}
        self.assertEqual(found, self.unnamed(None, True))
        # a move that runs here looks after it
        self.assertEqual({}, self.unnamed(None, False))
        # and a cleanup there after what was told
        self.assertEqual({}, self.unnamed(SERVER, True))
        self.hold(SERVER, "live")
        self.assertEqual(found, self.unnamed(None, False))

    def test_it_is_kept_as_what_runs_here(self) -> None:
        found = self.unnamed(None, True)
        for held, kept in ((None, (SERVER, "live")), ("x", ("x", "gone"))):
            self.hold(held, "gone")
            with self.db.writer() as session:
                older_side.keep(session, found, self.site.local_id)
            with self.db.reader() as session:
                row = session.get_one(models.MemberCopy, self.key())
                self.assertEqual(kept, (row.server_id, row.role))
