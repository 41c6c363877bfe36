# SPDX-License-Identifier: Apache-2.0
"""The table of legal verbs, walked: whatever the status, what is legal."""

from protector import constants as c
from protector import exception, states
from protector.tests import base

CHANGES = {
    "update",
    "member_add",
    "member_remove",
    "policy_set",
    "policy_delete",
    "mappings_set",
    "sync",
    "replicate",
    "reprotect",
    "source_cleanup",
    "resolve_split",
}
DRILL = {"test_failover", "test_cleanup"}
MOVED = {
    "failover",
    "failback",
    "update",
    "sync",
    "test_cleanup",
    "resolve_split",
}
# what the design says, written down once more by hand
EXPECTED: dict[tuple[str, str | None], set[str]] = {
    ("creating", None): {"create"},
    ("active", None): CHANGES | DRILL | {"delete", "failover"},
    ("failing_over", None): {"test_cleanup"},
    ("failed_over", None): CHANGES | DRILL | {"failback"},
    ("failing_back", None): {"test_cleanup"},
    ("deleting", None): {"test_cleanup"},
    ("error", "create"): {"create", "delete", "update"},
    ("error", "delete"): {"delete", "update", "test_cleanup"},
    ("error", "failover"): MOVED,
    ("error", "failback"): MOVED,
}


class StatesTest(base.TestCase):
    def test_every_verb_in_every_status(self) -> None:
        for (status, error_verb), legal in EXPECTED.items():
            self.assertEqual(legal, set(states.legal(status, error_verb)))
            for verb in c.Verb:
                found = states.refusal(verb, "web", status, error_verb)
                self.assertEqual(
                    verb in legal, found is None, (status, error_verb, verb)
                )

    def test_with_the_other_site_lost(self) -> None:
        """What takes it is refused, and a deletion is always possible where
        nobody is at work."""
        needs = {
            "sync",
            "replicate",
            "reprotect",
            "source_cleanup",
            "resolve_split",
            "failover",
            "failback",
        }
        busy = ("failing_over", "failing_back", "deleting")
        for (status, error_verb), legal in EXPECTED.items():
            leaves = set() if status in busy else {"delete", "rehome"}
            self.assertEqual(
                legal - needs | leaves,
                set(states.legal(status, error_verb, alone=True)),
            )
            self.assertEqual(
                legal | leaves - {"rehome"},
                set(states.legal(status, error_verb, forgotten=True)),
            )
            for verb in needs:
                error = states.refusal(
                    verb, "web", status, error_verb, alone=True
                )
                assert error is not None
                self.assertIn("declared lost", error.message)

    def test_no_status_is_missing(self) -> None:
        self.assertEqual(set(c.GroupStatus), {s for s, _ in EXPECTED})

    def test_every_refusal_names_status_and_remedy(self) -> None:
        generic = exception.Conflict.remedy
        for (status, error_verb), legal in EXPECTED.items():
            for verb in set(c.Verb) - legal:
                error = states.refusal(verb, "web", status, error_verb)
                assert error is not None
                self.assertEqual(
                    ("InvalidStatus", 409), (error.reason, error.code)
                )
                self.assertEqual(
                    {"status": status, "verb": verb}, error.details
                )
                self.assertIn("web", error.message)
                self.assertIn(status, error.message)
                self.assertIn(verb.replace("_", " "), error.message)
                self.assertTrue(error.remedy)
                self.assertNotEqual(generic, error.remedy)

    def test_the_wrong_name_of_a_move_is_told_the_right_one(self) -> None:
        for verb, status, other in (
            ("failover", "failed_over", "failback"),
            ("failback", "active", "failover"),
            ("delete", "failed_over", "failback"),
        ):
            error = states.refusal(verb, "web", status)
            assert error is not None
            self.assertIn(other, error.remedy)

    def test_error_is_never_a_dead_end(self) -> None:
        for verb in states.LEGAL_IN_ERROR:
            self.assertIn(verb, states.legal("error", verb))
        # nobody noted which verb failed: it can still be deleted
        self.assertIn("delete", states.legal("error", None))

    def test_only_these_verbs_leave_an_error(self) -> None:
        self.assertEqual(
            {"create", "delete", "failover", "failback"},
            set(states.LEGAL_IN_ERROR),
        )

    def test_transient_states_take_nothing_but_their_own(self) -> None:
        for verb, status in states.TRANSIENT.items():
            self.assertLessEqual(
                states.legal(status, None), {verb, "test_cleanup"}
            )
        self.assertEqual(
            {"creating", "deleting", "failing_over", "failing_back"},
            set(states.TRANSIENT.values()),
        )

    def test_membership_alone_waits_its_turn(self) -> None:
        self.assertEqual({"member_add", "member_remove"}, states.QUEUED)
