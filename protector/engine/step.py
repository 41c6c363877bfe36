# SPDX-License-Identifier: Apache-2.0
"""What a step is, and how a workflow of stages becomes a graph of steps.

Data and pure functions: nothing here runs anything.
"""

from collections.abc import Callable, Sequence
import dataclasses
from typing import Any

Json = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Step:
    """One named piece of work.

    ``run`` gets a ``context.StepContext`` and returns a JSON result or None.
    It must be idempotent: after a crash it is run again from its start.
    """

    name: str
    run: Callable[[Any], Json | None]
    weight: int = 1
    # a failure is recorded, and the operation goes on
    optional: bool = False
    # a member for which it fails stays behind; the others go on, and the
    # operation fails at its end and can be retried
    partial: bool = False
    # brings back what the step changed; run when the operation fails or is
    # cancelled before the point of no return; idempotent too
    undo: Callable[[Any], None] | None = None
    # what it waited for may have changed the members: the steps after it are
    # planned anew
    replan: bool = False
    # name of the option in [engine] that holds the deadline, in seconds
    timeout: str = "step_timeout"


@dataclasses.dataclass(frozen=True)
class One:
    """A stage of one step for the whole group.

    ``beside``: no later stage waits for it.
    """

    step: str
    beside: bool = False


@dataclasses.dataclass(frozen=True)
class Each:
    """A stage of one chain of steps for each member, side by side.

    ``tiers``: members of a later boot tier wait for the earlier ones, and
    for the step of that name when the tier before has a delay.
    """

    steps: tuple[str, ...]
    tiers: str | None = None


Stage = One | Each
Workflow = tuple[Stage, ...]


@dataclasses.dataclass(frozen=True)
class Subject:
    """A member as the planner sees it.

    ``tier`` counts from 0; ``delay`` is the seconds that pass between its
    tier and the next.
    """

    id: str
    name: str
    tier: int = 0
    delay: int = 0


def plan(
    workflow: Workflow,
    subjects: Sequence[Subject],
    steps: dict[str, Step],
) -> list[Json]:
    """The graph of a workflow, as rows for ``operations.add_steps``.

    A stage starts when the one before it is settled.
    """
    rows: list[Json] = []
    last: list[int] = []
    for stage in workflow:
        if isinstance(stage, One):
            row = _add(rows, steps[stage.step], None, last)
            last = last if stage.beside else [row]
        elif subjects:
            last = _chains(rows, stage, subjects, steps, last)
    return rows


def _chains(
    rows: list[Json],
    stage: Each,
    subjects: Sequence[Subject],
    steps: dict[str, Step],
    before: list[int],
) -> list[int]:
    ends: list[int] = []
    start, seconds = before, 0
    for tier in _tiers(stage, subjects):
        if stage.tiers and seconds:
            start = [_add(rows, steps[stage.tiers], None, start, seconds)]
        tier_ends = []
        for subject in tier:
            after = start
            for name in stage.steps:
                after = [_add(rows, steps[name], subject, after)]
            tier_ends += after
        ends += tier_ends
        start, seconds = tier_ends, tier[0].delay
    return ends


def _tiers(stage: Each, subjects: Sequence[Subject]) -> list[list[Subject]]:
    """The members that start together, in the order of their tiers."""
    if not stage.tiers:
        return [list(subjects)]
    numbers = sorted({s.tier for s in subjects})
    return [[s for s in subjects if s.tier == n] for n in numbers]


def _add(
    rows: list[Json],
    step: Step,
    subject: Subject | None,
    after: list[int],
    delay: int | None = None,
) -> int:
    ordinal = len(rows)
    rows.append(
        {
            "ordinal": ordinal,
            "name": step.name,
            "member_id": subject.id if subject else None,
            "member_name": subject.name if subject else None,
            "after": list(after),
            "weight": step.weight,
            "optional": step.optional,
            "delay_seconds": delay,
        }
    )
    return ordinal
