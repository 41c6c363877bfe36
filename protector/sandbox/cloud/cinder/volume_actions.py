# SPDX-License-Identifier: Apache-2.0
"""``POST /volumes/<id>/action``.

Source: cinder/api/contrib/volume_actions.py, admin_actions.py,
volume_image_metadata.py and volume_unmanage.py 29.0.0.
"""

import collections.abc
import typing

from protector.sandbox.cloud import errors, store, wsgi
from protector.sandbox.cloud.cinder import quotas, refusals, views, volumes
from protector.sandbox.cloud.cinder import state as states

Action = collections.abc.Callable[
    [wsgi.Request, store.Document, dict[str, typing.Any]], wsgi.Result
]
_ADMIN = {
    "os-reset_status": "volume_extension:volume_admin_actions:reset_status",
    "os-force_delete": "volume_extension:volume_admin_actions:force_delete",
    "os-force_detach": "volume_extension:volume_admin_actions:force_detach",
    "os-unmanage": "volume_extension:volume_unmanage",
}

# cinder/volume/api.py 29.0.0, retype
RETYPE = (
    "Retype needs volume to be in available or in-use state, not be part of "
    "an active migration or a consistency group, requested type has to be "
    "different that the one from the volume, and for in-use volumes "
    "front-end qos specs cannot change."
)


class VolumeActions:
    """The actions of a volume."""

    def __init__(
        self,
        state: states.State,
        limits: quotas.Quotas,
        api: volumes.Volumes,
    ) -> None:
        self._state = state
        self._quotas = limits
        self._volumes = api
        self._actions: dict[str, Action] = {
            "os-extend": self.extend,
            "os-set_bootable": self.set_bootable,
            "os-set_image_metadata": self.set_image_metadata,
            "os-show_image_metadata": self.show_image_metadata,
            "os-unset_image_metadata": self.unset_image_metadata,
            "os-update_readonly_flag": self.ignore,
            "os-reset_status": self.reset_status,
            "os-force_delete": self.force_delete,
            "os-unmanage": self.unmanage,
            "os-reserve": self.reserve,
            "os-unreserve": self.unreserve,
            "os-retype": self.retype,
        }

    def routes(self) -> collections.abc.Iterable[tuple[typing.Any, ...]]:
        """Return the route."""
        return [("POST", "/volumes/<volume_id>/action", self.act, "reader")]

    def act(self, request: wsgi.Request, volume_id: str) -> wsgi.Result:
        """Find the action and carry it out."""
        name, body = chosen(request, self._actions)
        row = self._state.volume(request, volume_id)
        if name in _ADMIN and not request.is_admin:
            raise refusals.forbidden(_ADMIN[name])
        if name != "os-show_image_metadata":
            require_member(request, f"volume_extension:volume_actions:{name}")
        with self._state.lock:
            return self._actions[name](request, row, body)

    def extend(
        self,
        request: wsgi.Request,
        row: store.Document,
        body: dict[str, typing.Any],
    ) -> wsgi.Result:
        """Grow a volume; an attached one from 3.42 on."""
        size = int(body["new_size"])
        if size <= row["size"]:
            raise refusals.invalid_input(
                "New size for extend must be greater than current size. "
                f"(current: {row['size']}, extended: {size})."
            )
        attached = request.version >= (3, 42) and row["status"] == "in-use"
        expected = {"status": "in-use" if attached else "available"}
        if row["status"] != expected["status"]:
            raise refusals.invalid_volume(
                f"Volume {row['id']} status must be '{expected}' to extend, "
                f"currently {row['status']}."
            )
        self._quotas.check(
            row["project_id"],
            row["volume_type_id"],
            gigabytes=size - row["size"],
        )
        self._touch(row, status="extending", previous_status=row["status"])
        self._state.cloud.tasks.start(
            "volume.extend", {"id": row["id"], "size": size}, key=row["id"]
        )
        return 202, None

    def set_bootable(
        self,
        request: wsgi.Request,
        row: store.Document,
        body: dict[str, typing.Any],
    ) -> wsgi.Result:
        """Set or clear the bootable flag."""
        self._touch(row, bootable=views.is_true(body.get("bootable")))
        return 200, None

    def set_image_metadata(
        self,
        request: wsgi.Request,
        row: store.Document,
        body: dict[str, typing.Any],
    ) -> wsgi.Result:
        """Merge keys into the image metadata."""
        added = body.get("metadata")
        if not isinstance(added, dict):
            raise errors.BadRequest("Malformed request body.")
        merged = {**row["image_metadata"], **added}
        self._touch(row, image_metadata=merged)
        return {"metadata": merged}

    def show_image_metadata(
        self,
        request: wsgi.Request,
        row: store.Document,
        body: dict[str, typing.Any],
    ) -> wsgi.Result:
        """Show the image metadata."""
        return {"metadata": row["image_metadata"]}

    def unset_image_metadata(
        self,
        request: wsgi.Request,
        row: store.Document,
        body: dict[str, typing.Any],
    ) -> wsgi.Result:
        """Remove one key of the image metadata."""
        key = str(body.get("key"))
        if key not in row["image_metadata"]:
            raise errors.NotFound(
                f"Volume {row['id']} has no metadata with key {key}."
            )
        del row["image_metadata"][key]
        self._touch(row, image_metadata=row["image_metadata"])
        return 200, None

    def reset_status(
        self,
        request: wsgi.Request,
        row: store.Document,
        body: dict[str, typing.Any],
    ) -> wsgi.Result:
        """Set status fields as an admin; ``detached`` clears attachments."""
        changes = {
            key: str(body[key]).lower()
            for key in ("status", "attach_status", "migration_status")
            if body.get(key)
        }
        if changes.get(
            "status"
        ) == "in-use" and not self._state.attachments.count(
            volume_id=row["id"]
        ):
            raise errors.BadRequest(
                "Cannot reset-state to in-use because volume does not have "
                "any attachments."
            )
        if changes.get("migration_status") == "none":
            changes["migration_status"] = None
        self._touch(row, **changes)
        if changes.get("attach_status") == "detached":
            for item in self._state.attachments.list(volume_id=row["id"]):
                self._state.attachments.delete(item["id"])
        return 202, None

    def force_delete(
        self,
        request: wsgi.Request,
        row: store.Document,
        body: dict[str, typing.Any],
    ) -> wsgi.Result:
        """Delete in whatever status, as an admin."""
        self._volumes.begin_delete(row, force=True)
        return 202, None

    def unmanage(
        self,
        request: wsgi.Request,
        row: store.Document,
        body: dict[str, typing.Any],
    ) -> wsgi.Result:
        """Forget a volume; the array keeps it under another name."""
        self._volumes.begin_delete(row, unmanage=True)
        return 202, None

    def reserve(
        self,
        request: wsgi.Request,
        row: store.Document,
        body: dict[str, typing.Any],
    ) -> wsgi.Result:
        """Mark as reserved (the old attach protocol)."""
        if row["status"] != "available":
            raise refusals.invalid_volume(
                "Volume status must be available to reserve, but the status "
                f"is {row['status']}."
            )
        self._touch(row, status="attaching")
        return 202, None

    def unreserve(
        self,
        request: wsgi.Request,
        row: store.Document,
        body: dict[str, typing.Any],
    ) -> wsgi.Result:
        """Take a reservation back."""
        if row["status"] == "attaching":
            self._touch(row, status="available")
        return 202, None

    def retype(
        self,
        request: wsgi.Request,
        row: store.Document,
        body: dict[str, typing.Any],
    ) -> wsgi.Result:
        """Change the type, in use or not; there is one back end."""
        wanted = self._state.types.get(body["new_type"])
        wanted = wanted or self._state.types.first(name=body["new_type"])
        if wanted is None:
            raise refusals.not_found("Volume type with name", body["new_type"])
        self._quotas.check(
            row["project_id"], wanted["id"], volumes=1, gigabytes=row["size"]
        )
        if (
            row["status"] not in ("available", "in-use")
            or row["group_id"]
            or row["volume_type_id"] == wanted["id"]
        ):
            raise refusals.invalid_volume(RETYPE)
        self._touch(row, status="retyping", previous_status=row["status"])
        self._state.cloud.tasks.start(
            "volume.retype",
            {"id": row["id"], "type_id": wanted["id"]},
            key=row["id"],
        )
        return 202, None

    def ignore(
        self,
        request: wsgi.Request,
        row: store.Document,
        body: dict[str, typing.Any],
    ) -> wsgi.Result:
        """Accept and do nothing."""
        return 202, None

    def _touch(self, row: store.Document, **changes: typing.Any) -> None:
        self._state.volumes.update(
            row["id"], updated_at=self._state.now(), **changes
        )


def chosen(
    request: wsgi.Request, known: collections.abc.Container[str]
) -> tuple[str, dict[str, typing.Any]]:
    """Return an action's name and arguments.

    :raises BadRequest: none, or an unknown one.
    """
    for name, body in request.json().items():
        if name in known:
            return name, body or {}
        raise errors.BadRequest(
            f"There is no such action: {name}. Verify the request body and "
            "Content-Type header and try again."
        )
    raise errors.BadRequest("Malformed request body")


def require_member(request: wsgi.Request, action: str) -> None:
    """Refuse a reader.

    :raises Forbidden: Cinder's text.
    """
    if not (request.is_admin or "member" in request.roles):
        raise refusals.forbidden(action)
