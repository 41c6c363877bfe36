# SPDX-License-Identifier: Apache-2.0
"""Which undo copies would go with volumes that are about to be deleted, and
giving those up.

An undo copy is a snapshot of the volumes that it was made of: it keeps
nothing of one that is gone.
"""

from collections.abc import Collection, Iterable
import dataclasses
import datetime
from typing import Any

from protector import exception, times
from protector.db import models
from protector.engine import cleanup, removal, undo_copies
from protector.engine.context import StepContext

Json = dict[str, Any]
# what users ask for
REMOVE = "remove the member"
CLEAN = "run source_cleanup"


@dataclasses.dataclass(frozen=True)
class Held:
    """An undo copy that keeps what members had and nobody else has.

    :ivar members: their names; None: the move did not tell, as one that ran
        at the other site and was superseded.
    :ivar member_ids: names are not unique in a group.
    :ivar until: when its retention is over, as the policy is now.
    """

    name: str
    site_id: str
    site: str
    members: tuple[str, ...] | None
    member_ids: frozenset[str] | None
    until: datetime.datetime

    def as_dict(self) -> Json:
        """As a refusal and a result tell it."""
        return {
            "name": self.name,
            "site": self.site,
            "members": None if self.members is None else [*self.members],
            "kept_until": times.iso(self.until),
        }

    def __str__(self) -> str:
        who = "not known" if self.members is None else ", ".join(self.members)
        until = times.iso(self.until)
        return f"{self.name} at site {self.site} (of {who}; until {until})"


def of_member(look: Any, member: models.Member) -> list[Held]:
    """Those that the removal of a member would take along.

    :param look: the context of a step, or a ``Reader``.
    :raises ArrayError: an array does not tell.
    """
    if look.scene.alone:
        # nothing is deleted
        return []
    return [
        held
        for site_id in look.scene.site_ids
        if removal.deletes(member, site_id)
        for held in at_site(look, site_id, [member])
    ]


def of_parked(look: Any, site_id: str) -> list[Held]:
    """Those that the removal of what is parked at a site would take along.

    :param look: the context of a step, or a ``Reader``.
    :raises ArrayError: the array does not tell.
    """
    return at_site(look, site_id, cleanup.parked(look.scene))


def at_site(
    look: Any, site_id: str, members: Iterable[models.Member]
) -> list[Held]:
    """Those at a site that keep what existed nowhere else of the members."""
    wanted = {m.id for m in members}
    days = look.scene.settings.undo_retention_days
    return [
        Held(
            name,
            site_id,
            look.scene.sites[site_id].name,
            found.members,
            found.member_ids,
            found.created + datetime.timedelta(days=days),
        )
        for name, found in sorted(undo_copies.live(look, site_id).items())
        if found.member_ids is None or wanted & found.member_ids
    ]


def require_none(held: Collection[Held], args: Json, what: str) -> None:
    """:param what: the user asks for.

    :raises InvalidStatus: some would go, and nobody gave them up.
    """
    if not held or args.get("discard_undo"):
        return
    raise exception.InvalidStatus(
        "Undo copies are snapshots of volumes that would be deleted, and "
        "hold what existed nowhere else when a move overwrote it: "
        f"{'; '.join(map(str, held))}.",
        remedy=f"Wait until their retention is over, or {what} with "
        "discard_undo=true to give that up.",
        undo_copies=[h.name for h in held],
        held=[h.as_dict() for h in held],
    )


def give_up(
    ctx: StepContext, held: Collection[Held], leaving: Collection[str]
) -> list[Json]:
    """What is discarded.  An undo copy that keeps something of another
    member of the group stays for that.

    :param leaving: ids of the members whose volumes go.
    """
    others = {m.id for m in ctx.scene.members} - set(leaving)
    for one in held:
        if one.member_ids is not None and not others & one.member_ids:
            ctx.driver.destroy_snapshot(ctx.array(one.site_id), one.name)
    discarded = [h.as_dict() for h in held]
    ctx.save(discarded_undo=discarded)
    return discarded
