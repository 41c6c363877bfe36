# SPDX-License-Identifier: Apache-2.0
"""``/groups``: generic volume groups (3.13 and later).

Source: cinder/api/v3/groups.py and cinder/group/api.py 29.0.0.
"""

import collections.abc
import typing

from protector.sandbox.cloud import (
    context,
    errors,
    pagination,
    store,
    wsgi,
)
from protector.sandbox.cloud.cinder import (
    group_checks,
    listing,
    quotas,
    refusals,
    views,
)
from protector.sandbox.cloud.cinder import state as states

DEFAULT_CG_TYPE = "default_cgsnapshot_type"


class Groups:
    """The groups API, but for its actions."""

    def __init__(self, state: states.State, limits: quotas.Quotas) -> None:
        self._state = state
        self._quotas = limits

    def routes(self) -> collections.abc.Iterable[tuple[typing.Any, ...]]:
        """Return the routes."""
        one = "/groups/<group_id>"
        rows = [
            ("GET", "/groups", self.index, "reader", "group:get_all"),
            ("GET", "/groups/detail", self.detail, "reader", "group:get_all"),
            ("POST", "/groups", self.create, "member", "group:create"),
            ("GET", one, self.show, "reader", "group:get"),
            ("PUT", one, self.update, "member", "group:update"),
        ]
        return [(*row, ("3.13", None)) for row in rows]

    def index(self, request: wsgi.Request) -> wsgi.Result:
        """List groups: id and name."""
        return self._list(
            request, lambda row: {"id": row["id"], "name": row["name"]}
        )

    def detail(self, request: wsgi.Request) -> wsgi.Result:
        """List groups with details."""
        return self._list(
            request, lambda row: views.group(self._state, request, row)
        )

    def show(self, request: wsgi.Request, group_id: str) -> wsgi.Result:
        """Show a group; ``list_volume=True`` with its volumes."""
        row = self.usable(request, group_id)
        return {"group": views.group(self._state, request, row)}

    def create(self, request: wsgi.Request) -> wsgi.Result:
        """Create a group (202)."""
        body = request.body("group")
        for key in ("group_type", "volume_types"):
            if not body.get(key):
                raise errors.BadRequest(f"'{key}' is a required property")
        kind = self._state.group_type(str(body["group_type"]))
        self.refuse_legacy(kind["id"])
        types = [self._state.volume_type(str(k)) for k in body["volume_types"]]
        row = self.start(
            request,
            body,
            kind["id"],
            [item["id"] for item in types],
            "group.create",
        )
        return 202, {"group": {"id": row["id"], "name": row["name"]}}

    def start(
        self,
        request: wsgi.Request,
        body: dict[str, typing.Any],
        group_type_id: str,
        volume_type_ids: list[str],
        task: str,
        **more: typing.Any,
    ) -> store.Document:
        """Write a new group's row and start the task that makes it.

        :raises OverLimit: the quota of groups is used up (413).
        """
        state = self._state
        zone = body.get("availability_zone") or states.ZONE
        if zone != states.ZONE:
            raise refusals.invalid_input(
                f"Availability zone '{zone}' is invalid."
            )
        with state.lock:
            self._quotas.check(request.project_id or "", None, groups=1)
            row = {
                "id": context.new_id(),
                "project_id": request.project_id,
                "user_id": request.user_id,
                "name": _stripped(body.get("name")),
                "description": _stripped(body.get("description")),
                "status": "creating",
                "group_type_id": group_type_id,
                "volume_type_ids": list(dict.fromkeys(volume_type_ids)),
                "availability_zone": zone,
                "replication_status": "disabled",
                "group_snapshot_id": None,
                "source_group_id": None,
                "host": None,
                "created_at": state.now(),
                **more,
            }
            state.groups.put(row)
            state.cloud.tasks.start(task, {"id": row["id"]}, key=row["id"])
        return row

    def update(self, request: wsgi.Request, group_id: str) -> wsgi.Result:
        """Rename, or add and remove volumes (202)."""
        body = request.body("group")
        fields = ("name", "description", "add_volumes", "remove_volumes")
        if all(body.get(key) is None for key in fields):
            raise errors.BadRequest(
                "Name, description, add_volumes, and remove_volumes can not "
                "be all empty in the request body."
            )
        with self._state.lock:
            group = self.usable(request, group_id)
            add, remove = self._members(request, group, body)
            self._change(group, body, add, remove)
        return 202, None

    def usable(self, request: wsgi.Request, group_id: str) -> store.Document:
        """Return a group that the generic API may touch.

        :raises NotFound: none.
        :raises BadRequest: made by the consistency group API.
        """
        group = self._state.group(request, group_id)
        self.refuse_legacy(group["group_type_id"])
        return group

    def refuse_legacy(self, type_id: str) -> None:
        """Refuse the type of the consistency group API.

        :raises BadRequest: Cinder's text.
        """
        row = self._state.group_types.get(type_id)
        if row and row["name"] == DEFAULT_CG_TYPE:
            raise errors.BadRequest(
                f"Group_type {type_id} is reserved for migrating CGs to "
                "groups. Migrated group can only be operated by CG APIs."
            )

    def _members(
        self,
        request: wsgi.Request,
        group: store.Document,
        body: dict[str, typing.Any],
    ) -> tuple[list[str], list[str]]:
        adds = group_checks.split_ids(body.get("add_volumes"))
        removes = group_checks.split_ids(body.get("remove_volumes"))
        both = [key for key in adds if key in removes]
        if both:
            raise refusals.invalid_volume(
                f"UUIDs {both} are in both add and remove volume list."
            )
        add = group_checks.volumes_to_add(self._state, request, group, adds)
        remove = group_checks.volumes_to_remove(self._state, group, removes)
        return add, remove

    def _change(
        self,
        group: store.Document,
        body: dict[str, typing.Any],
        add: list[str],
        remove: list[str],
    ) -> None:
        changes = {
            key: body[key]
            for key in ("name", "description")
            if body.get(key) is not None and body[key] != group[key]
        }
        if not (changes or add or remove):
            raise refusals.invalid_group(
                f"Cannot update group {group['id']} because no valid name, "
                "description, add_volumes, or remove_volumes were provided."
            )
        if not (add or remove):
            self._state.groups.update(group["id"], **changes)
            return
        if group["status"] != "available":
            raise refusals.invalid_group("Group status must be available.")
        self._state.groups.update(group["id"], status="updating", **changes)
        self._state.cloud.tasks.start(
            "group.update",
            {"id": group["id"], "add": add, "remove": remove},
            key=group["id"],
        )

    def _list(
        self,
        request: wsgi.Request,
        view: collections.abc.Callable[[store.Document], typing.Any],
    ) -> wsgi.Result:
        listing.check_filters(request, "group", ("name",))
        legacy = self._state.group_types.first(name=DEFAULT_CG_TYPE)
        hidden = legacy["id"] if legacy else None
        rows = [
            row
            for row in listing.visible(request, self._state.groups)
            if row["group_type_id"] != hidden
            and listing.matches(request, row, ("name", "status"))
        ]
        rows = listing.ordered(request, rows)
        answer = pagination.paginate(request, rows, "groups")
        answer["groups"] = [view(row) for row in answer["groups"]]
        links = answer.pop("groups_links", None)
        if links:
            answer["group_links"] = links
        return answer


def _stripped(text: str | None) -> str | None:
    return text.strip() if isinstance(text, str) else text
