# SPDX-License-Identifier: Apache-2.0
"""Mistakes that somebody could make: each a fixture that makes one."""

from collections.abc import Callable
import contextlib
import dataclasses
from typing import Any

import fixtures

from protector import constants as c
from protector import exception
from protector.db.api import operations_leases
from protector.engine import removal, step, steps, workflows
from protector.engine.context import StepContext
from protector.tests.model import links
from protector.tests.model import site as sites

Json = dict[str, Any]
Run = Callable[[StepContext], Json | None]
# steps of the machine by name, with their arguments
Lead = tuple[tuple[str, Json], ...]
FINISH: Lead = (("let_finish", {}),)
MOVE: Lead = (("move", {"place": "there"}), *FINISH)
CUT: Lead = (("cut", {"kinds": links.KINDS}),)
# the other site takes over while nobody reaches anybody
TAKE: Lead = (*CUT, ("take", {"place": "there"}), *FINISH)
HEAL: Lead = (("heal", {}), ("let_go_on", {"seconds": 150}), *FINISH)
# another engine goes on in place of one that stands still
REPLACE: Lead = (
    ("let_go_on", {"seconds": 150}),
    ("revive", {}),
    *FINISH,
    ("let_go_on", {"seconds": 150}),
)
WRITE: Lead = (("write", {"letter": "a"}),)


class Mutation(fixtures.Fixture):
    """:param lead: how each scenario begins.
    :param values: by the path of what is replaced.
    :param runs: by the name of a step, what it does instead.
    """

    def __init__(
        self,
        lead: Lead,
        values: dict[str, Any] | None = None,
        runs: dict[str, Run] | None = None,
    ) -> None:
        super().__init__()
        self.lead = lead
        self._values = values or {}
        self._runs = runs or {}

    def _setUp(self) -> None:
        for path, value in self._values.items():
            self.useFixture(fixtures.MonkeyPatch(path, value))
        known = steps.STEPS
        wrong = {
            name: dataclasses.replace(known[name], run=run)
            for name, run in self._runs.items()
        }
        path = "protector.engine.steps.STEPS"
        self.useFixture(fixtures.MonkeyPatch(path, {**known, **wrong}))


def nothing(*args: Any, **kwargs: Any) -> None:
    """In place of what is left out."""


def all_but_one(
    ctx: StepContext,
    site_id: str,
    volumes: list[Any],
    *args: Any,
    **kwargs: Any,
) -> list[Json]:
    """The last of a member's volumes is not thought of."""
    return _drop_volumes(ctx, site_id, volumes[:-1], *args, **kwargs)


_drop_volumes = removal.drop_volumes


def oldest_point(ctx: StepContext) -> Json:
    """What was sent long ago is taken for the last point."""
    points = ctx.driver.list_points(ctx.direction(ctx.source))
    name = [p.name for p in points if p.complete][-1]
    ctx.save_point(name, rpo_seconds=0)
    return {"point": name}


def asking(ctx: StepContext) -> Json | None:
    """Who takes over makes sure that the site is dead."""
    with contextlib.suppress(exception.PeerUnreachable):
        ctx.site(ctx.source).peer.check(ctx.conf.peer.check_timeout)
    return _take_over(ctx)


_take_over = steps.STEPS["placement.take_over"].run


def no_adoption(*args: Any) -> list[Any]:
    """Only what is new is looked for."""
    found = _runnable(*args)
    return [row for row in found if row.status == c.OperationStatus.PENDING]


_runnable = operations_leases.runnable


def endless(ctx: StepContext) -> None:
    """What is waited for does not come, and nobody looks at the time."""
    while True:
        ctx.clock.wait(ctx.work.stopping, 10)
        ctx.check_alive()


def nothing_beside() -> dict[str, step.Workflow]:
    """All workflows, in which each stage waits for the one before."""
    return {
        name: tuple(
            dataclasses.replace(stage, beside=False)
            if isinstance(stage, step.One)
            else stage
            for stage in workflow
        )
        for name, workflow in workflows.WORKFLOWS.items()
    }


def mutations() -> dict[str, Mutation]:
    """By what is wrong."""
    return {
        **_of_content(),
        **_of_who_may_act(),
        **_of_the_dead_site(),
        **_of_what_passes(),
    }


def _of_content() -> dict[str, Mutation]:
    return {
        "unique content is overwritten without an undo copy": Mutation(
            CUT + WRITE + TAKE + HEAL + HEAL + MOVE,
            {
                "protector.engine.arrival.content_is_unique": (
                    lambda ctx, member: False
                )
            },
        ),
        "a planned move arrives from an older point": Mutation(
            WRITE + MOVE, runs={"replication.final": oldest_point}
        ),
        "an undo forgets a volume it made": Mutation(
            (
                ("add", {"place": "there"}),
                ("let_go_on", {"seconds": 2}),
                ("act_on_last", {"letter": "a", "action": "cancel"}),
                *FINISH,
            ),
            {"protector.engine.removal.drop_volumes": all_but_one},
        ),
        "staging volumes are left": Mutation(
            MOVE, runs={"volumes.unstage": nothing}
        ),
    }


def _of_who_may_act() -> dict[str, Mutation]:
    return {
        "a site that returns is not quarantined": Mutation(
            TAKE + HEAL,
            {
                "protector.engine.quarantine.Quarantine.run": nothing,
                "protector.engine.lost_site.Fence.run": nothing,
            },
        ),
        "the source runs on during a planned move": Mutation(
            MOVE,
            {"protector.engine.releasing._check_quiet": nothing},
            {"servers.stop": nothing},
        ),
        "the epoch is ignored at the peer endpoint": Mutation(
            (
                ("add", {"place": "there"}),
                ("let_go_on", {"seconds": 2}),
                ("cut", {"kinds": (links.PEER,)}),
                *FINISH,
                ("take", {"place": "there"}),
                *FINISH,
                ("heal", {}),
                ("sync", {"letter": "a"}),
            ),
            {
                "protector.db.api.metadata_sync._check_claim": nothing,
                "protector.db.api.metadata_sync._check_newer": nothing,
            },
        ),
        "an engine ignores its lease": Mutation(
            (
                ("doom", {"letter": "b", "kind": sites.STILL, "left": 2}),
                ("move", {"place": "there"}),
                *REPLACE,
                *MOVE,
                ("thaw", {}),
                *FINISH,
            ),
            {"protector.engine.leases.HeldLease.check": nothing},
        ),
    }


def _of_the_dead_site() -> dict[str, Mutation]:
    return {
        "the site that is left is asked whether it is dead": Mutation(
            TAKE, runs={"placement.take_over": asking}
        ),
        "the fence of the site that is left is waited for": Mutation(
            TAKE, {"protector.engine.workflows.WORKFLOWS": nothing_beside()}
        ),
    }


def _of_what_passes() -> dict[str, Mutation]:
    wait: Lead = (("let_go_on", {"seconds": 150}),)
    add: Lead = (("add", {"place": "there"}),)
    return {
        "what a dead engine left is not adopted": Mutation(
            (("doom", {"letter": "b", "kind": "before", "left": 2}),)
            + MOVE
            + (("revive", {}), *wait, *wait, *wait),
            {"protector.db.api.operations_leases.runnable": no_adoption},
        ),
        "a step has no deadline": Mutation(
            MOVE + 3 * FINISH, runs={"servers.stop": endless}
        ),
        "the slot of what ended is kept": Mutation(
            add + FINISH,
            {"protector.db.api.protection_groups.free_slot": nothing},
        ),
        "a member is being added, and nobody adds it": Mutation(
            add
            + (("act_on_last", {"letter": "a", "action": "cancel"}), *FINISH),
            {"protector.db.api.operations.rest_member": nothing},
        ),
    }
