# SPDX-License-Identifier: Apache-2.0
"""``/attachments`` over HTTP (3.27 and later)."""

import collections.abc
import typing

from protector.sandbox.cloud import errors, store, wsgi
from protector.sandbox.cloud.cinder import (
    attachments,
    driver,
    listing,
    views,
)
from protector.sandbox.cloud.cinder import state as states

_SINCE = ("3.27", None)


class AttachmentsApi:
    """The attachments API."""

    def __init__(
        self, state: states.State, records: attachments.Attachments
    ) -> None:
        self._state = state
        self._records = records

    def routes(self) -> collections.abc.Iterable[tuple[typing.Any, ...]]:
        """Return the routes."""
        one = "/attachments/<key>"
        done = ("3.44", None)
        rows: list[tuple[typing.Any, ...]] = [
            ("GET", "/attachments", self.index, "reader"),
            ("GET", "/attachments/detail", self.detail, "reader"),
            ("POST", "/attachments", self.create, "member"),
            ("GET", one, self.show, "reader"),
            ("PUT", one, self.update, "member"),
            ("DELETE", one, self.delete, "member"),
        ]
        routes = [(*row, None, _SINCE) for row in rows]
        routes.append(
            ("POST", f"{one}/action", self.complete, "member", None, done)
        )
        return routes

    def index(self, request: wsgi.Request) -> wsgi.Result:
        """List attachments."""
        return self._list(request, detail=False)

    def detail(self, request: wsgi.Request) -> wsgi.Result:
        """List attachments with details."""
        return self._list(request, detail=True)

    def create(self, request: wsgi.Request) -> wsgi.Result:
        """Reserve, and connect when a connector is given."""
        body = request.body("attachment")
        volume = self._state.volume(request, str(body.get("volume_uuid")))
        with _translated("create attachment for volume"):
            row = self._records.create(
                volume,
                body.get("instance_uuid"),
                body.get("connector") or None,
                body.get("mode"),
            )
        return {"attachment": views.attachment(row)}

    def show(self, request: wsgi.Request, key: str) -> wsgi.Result:
        """Show an attachment."""
        return {"attachment": views.attachment(self._own(request, key))}

    def update(self, request: wsgi.Request, key: str) -> wsgi.Result:
        """Connect."""
        self._own(request, key)
        connector = request.body("attachment").get("connector")
        if not isinstance(connector, dict):
            raise errors.BadRequest("'connector' is a required property")
        with _translated("update attachment"):
            row = self._records.update(key, connector)
        return {"attachment": views.attachment(row)}

    def delete(self, request: wsgi.Request, key: str) -> wsgi.Result:
        """Disconnect; a user may not while a server has the volume."""
        row = self._own(request, key)
        self._protect(request, row)
        with _translated("delete attachment"):
            self._records.delete(key)
        left = self._state.attachments.list(volume_id=row["volume_id"])
        return {
            "attachments": [
                views.attachment(item, detail=False) for item in left
            ]
        }

    def complete(self, request: wsgi.Request, key: str) -> wsgi.Result:
        """``os-complete``: the volume is in-use."""
        self._own(request, key)
        self._records.complete(key)
        return 204, None

    def _protect(self, request: wsgi.Request, row: store.Document) -> None:
        if request.is_service or not row["connection_info"]:
            return
        compute = self._state.cloud.services.get("compute")
        if compute is None or not row["instance"]:
            return
        if compute.uses_attachment(row["instance"], row["id"]):
            raise errors.Conflict(
                "Detach volume from instance "
                f"{row['instance']} using the Compute API"
            )

    def _own(self, request: wsgi.Request, key: str) -> store.Document:
        row = self._records.get(key)
        self._state.volume(request, row["volume_id"])
        return row

    def _list(self, request: wsgi.Request, detail: bool) -> wsgi.Result:
        rows = listing.visible(request, self._state.attachments)
        instance = request.query.get("instance_id")
        return {
            "attachments": [
                views.attachment(row, detail)
                for row in rows
                if listing.matches(request, row, ("volume_id", "status"))
                and instance in (None, row["instance"])
            ]
        }


class _translated:
    """Turn a failure of the array into Cinder's 500."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: object, error: BaseException | None, trace: object
    ) -> None:
        if isinstance(error, driver.DriverError):
            raise errors.ServerError(
                f"Unable to {self._what} ({error})."
            ) from error
