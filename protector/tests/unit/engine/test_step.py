# SPDX-License-Identifier: Apache-2.0
"""How a workflow of stages becomes a graph of steps."""

from typing import Any

from protector.engine import step
from protector.engine.step import Each, One
from protector.tests import base

STEPS = {
    name: step.Step(name, lambda ctx: None, weight, optional=name == "soft")
    for weight, name in enumerate(("a", "b", "c", "d", "soft"), 1)
}


def subjects(*tiers: int) -> list[step.Subject]:
    return [
        step.Subject(f"m{n}", f"name{n}", tier) for n, tier in enumerate(tiers)
    ]


def shape(
    workflow: step.Workflow, members: list[step.Subject]
) -> list[tuple[Any, ...]]:
    rows = step.plan(workflow, members, STEPS)
    return [(r["name"], r["member_id"], r["after"]) for r in rows]


class PlanTest(base.TestCase):
    def test_one_after_the_other(self) -> None:
        self.assertEqual(
            [("a", None, []), ("b", None, [0]), ("c", None, [1])],
            shape((One("a"), One("b"), One("c")), []),
        )

    def test_nobody_waits_for_what_runs_beside(self) -> None:
        self.assertEqual(
            [("a", None, []), ("b", None, [0]), ("c", None, [0])],
            shape((One("a"), One("b", beside=True), One("c")), []),
        )

    def test_chains_run_side_by_side_without_a_barrier(self) -> None:
        self.assertEqual(
            [
                ("a", None, []),
                ("b", "m0", [0]),
                ("c", "m0", [1]),
                ("b", "m1", [0]),
                ("c", "m1", [3]),
                ("d", None, [2, 4]),
            ],
            shape((One("a"), Each(("b", "c")), One("d")), subjects(0, 0)),
        )

    def test_two_stages_have_a_barrier_between_them(self) -> None:
        self.assertEqual(
            [
                ("a", "m0", []),
                ("a", "m1", []),
                ("b", "m0", [0, 1]),
                ("b", "m1", [0, 1]),
            ],
            shape((Each(("a",)), Each(("b",))), subjects(0, 0)),
        )

    def test_without_members_a_stage_of_members_is_nothing(self) -> None:
        self.assertEqual(
            [("a", None, []), ("d", None, [0])],
            shape((One("a"), Each(("b",)), One("d")), []),
        )
        self.assertEqual([], shape((Each(("b",)),), []))

    def test_a_tier_waits_for_the_one_before_it(self) -> None:
        rows = shape(
            (One("a"), Each(("b",), tiers="d"), One("d")),
            subjects(5, 0, 5, 2),
        )
        self.assertEqual(
            [
                ("a", None, []),
                ("b", "m1", [0]),
                ("b", "m3", [1]),
                ("b", "m0", [2]),
                ("b", "m2", [2]),
                # the end waits for all of them, not for the last tier only
                ("d", None, [1, 2, 3, 4]),
            ],
            rows,
        )

    def test_a_delay_stands_between_two_tiers_and_nowhere_else(self) -> None:
        """Neither after a tier without one, nor after the last."""
        members = [
            step.Subject("m0", "db", 0, 30),
            step.Subject("m1", "cache", 0, 30),
            step.Subject("m2", "app", 1, 0),
            step.Subject("m3", "web", 2, 9),
        ]
        rows = step.plan((Each(("b",), tiers="d"), One("a")), members, STEPS)
        self.assertEqual(
            [
                ("b", "m0", [], None),
                ("b", "m1", [], None),
                ("d", None, [0, 1], 30),
                ("b", "m2", [2], None),
                ("b", "m3", [3], None),
                ("a", None, [0, 1, 3, 4], None),
            ],
            [
                (r["name"], r["member_id"], r["after"], r["delay_seconds"])
                for r in rows
            ],
        )

    def test_tiers_do_not_matter_where_they_are_not_asked_for(self) -> None:
        rows = shape((Each(("b",)),), subjects(0, 1))
        self.assertEqual([[], []], [r[2] for r in rows])

    def test_rows_carry_what_the_record_needs(self) -> None:
        rows = step.plan((Each(("soft", "b")),), subjects(0), STEPS)
        self.assertEqual(
            {
                "ordinal": 0,
                "name": "soft",
                "member_id": "m0",
                "member_name": "name0",
                "after": [],
                "weight": 5,
                "optional": True,
                "delay_seconds": None,
            },
            rows[0],
        )
        self.assertFalse(rows[1]["optional"])

    def test_rows_do_not_share_their_lists(self) -> None:
        rows = step.plan(
            (One("a"), Each(("b",)), Each(("c",))), subjects(0, 0), STEPS
        )
        rows[1]["after"].append(99)
        self.assertEqual(
            [[], [0, 99], [0], [1, 2], [1, 2]], [r["after"] for r in rows]
        )

    def test_a_step_that_is_not_known(self) -> None:
        self.assertRaises(KeyError, shape, (One("x"),), [])
