# SPDX-License-Identifier: Apache-2.0
"""The tags of Neutron's resources, a sub-resource of each."""

import collections.abc
import typing

from protector.sandbox.cloud import errors, store, wsgi
from protector.sandbox.cloud.neutron import collection
from protector.sandbox.cloud.neutron.collection import Caller


class Tags:
    """The handlers of the tags of one collection."""

    def __init__(self, owner: collection.Collection) -> None:
        self._owner = owner

    def routes(self) -> collections.abc.Iterator[tuple[typing.Any, ...]]:
        """Yield the routes."""
        name = self._owner.plural.replace("_", "-")
        rule = f"/v2.0/{name}/<resource_id>/tags"
        item = f"{rule}/<tag>"
        yield "GET", rule, self.index, "reader"
        yield "PUT", rule, self.replace, "member"
        yield "POST", rule, self.add_many, "member"
        yield "DELETE", rule, self.clear, "member"
        yield "GET", item, self.has, "reader"
        yield "PUT", item, self.add, "member"
        yield "DELETE", item, self.remove, "member"

    def index(self, request: wsgi.Request, resource_id: str) -> wsgi.Result:
        """List them."""
        row = self._owner.find(Caller.of(request), resource_id)
        return {"tags": row["tags"]}

    def replace(self, request: wsgi.Request, resource_id: str) -> wsgi.Result:
        """Set exactly these."""
        tags = _given(request)
        self._set(request, resource_id, lambda old: tags)
        return {"tags": tags}

    def add_many(self, request: wsgi.Request, resource_id: str) -> wsgi.Result:
        """Add several."""
        tags = _given(request)
        self._set(request, resource_id, lambda old: old + tags)
        return 201, {"tags": tags}

    def clear(self, request: wsgi.Request, resource_id: str) -> wsgi.Result:
        """Remove all."""
        self._set(request, resource_id, lambda old: [])

    def has(
        self, request: wsgi.Request, resource_id: str, tag: str
    ) -> wsgi.Result:
        """204, or 404 when it has not this tag."""
        row = self._owner.find(Caller.of(request), resource_id)
        _check(row, tag)

    def add(
        self, request: wsgi.Request, resource_id: str, tag: str
    ) -> wsgi.Result:
        """Add one."""
        self._set(request, resource_id, lambda old: [*old, tag])
        return 201, None

    def remove(
        self, request: wsgi.Request, resource_id: str, tag: str
    ) -> wsgi.Result:
        """Remove one; 404 when it is not there."""
        row = self._owner.find(Caller.of(request), resource_id)
        _check(row, tag)
        self._set(
            request,
            resource_id,
            lambda old: [other for other in old if other != tag],
        )

    def _set(
        self,
        request: wsgi.Request,
        resource_id: str,
        change: collections.abc.Callable[[list[str]], list[str]],
    ) -> None:
        caller = Caller.of(request)
        with self._owner.transaction():
            row = self._owner.find(caller, resource_id)
            if not (caller.is_admin or self._owner.is_owner(caller, row)):
                raise collection.forbidden("update_tags")
            row["tags"] = list(dict.fromkeys(change(row["tags"])))
            row["revision_number"] += 1
            self._owner.table.put(row)


def _given(request: wsgi.Request) -> list[str]:
    tags = request.json().get("tags")
    if not isinstance(tags, list) or not all(
        isinstance(tag, str) and 0 < len(tag) <= 255 for tag in tags
    ):
        raise errors.BadRequest(
            "Invalid input for operation: Invalid tags body.",
            kind="InvalidInput",
        )
    return tags


def _check(row: store.Document, tag: str) -> None:
    if tag not in row["tags"]:
        raise errors.NotFound(
            f"Tag {tag} could not be found.", kind="TagNotFound"
        )
