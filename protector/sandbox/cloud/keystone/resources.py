# SPDX-License-Identifier: Apache-2.0
"""Create, show, list, change and delete Keystone's plain resources."""

import collections.abc
import dataclasses
import typing

from protector.sandbox.cloud import context, errors, store, wsgi

Hook = collections.abc.Callable[[wsgi.Request, store.Document], None]


@dataclasses.dataclass(frozen=True)
class Kind:
    """One kind of resource.

    :ivar defaults: fields with the value they have when not given.
    :ivar required: fields a creation must give.
    :ivar unique: fields that are unique together.
    :ivar secret: fields that no answer shows.
    :ivar prepare: completes or refuses a document before it is written.
    :ivar removed: cleans up after a deletion.
    :ivar show: completes what an answer shows.
    """

    table: str
    singular: str
    defaults: dict[str, typing.Any]
    required: tuple[str, ...] = ("name",)
    unique: tuple[str, ...] = ("name",)
    secret: tuple[str, ...] = ()
    prepare: Hook | None = None
    removed: Hook | None = None
    show: collections.abc.Callable[[store.Document], None] | None = None


class Resource:
    """The handlers of one kind."""

    def __init__(self, cloud: context.Cloud, kind: Kind) -> None:
        self._cloud = cloud
        self._kind = kind
        self.table = cloud.store.table(kind.table)

    def routes(self) -> collections.abc.Iterator[wsgi.Route]:
        """Yield the five routes; reading is open to any token here.

        ``visible`` narrows what is read to what the caller may see.
        """
        one, many = self._kind.singular, self._kind.table
        rule, item = f"/v3/{many}", f"/v3/{many}/<resource_id>"
        for method, path, handler, policy, verb in (
            ("POST", rule, self.create, "admin", f"create_{one}"),
            ("GET", rule, self.index, self._may_list, f"list_{many}"),
            ("GET", item, self.show, "any", f"get_{one}"),
            ("PATCH", item, self.change, "admin", f"update_{one}"),
            ("DELETE", item, self.delete, "admin", f"delete_{one}"),
        ):
            yield wsgi.Route(method, path, handler, policy, verb)

    def create(self, request: wsgi.Request) -> wsgi.Result:
        """201 and the new resource.

        :raises BadRequest: something required is missing.
        :raises Conflict: it exists already.
        """
        given = _given(request, self._kind.singular)
        for name in self._kind.required:
            if not given.get(name):
                raise errors.BadRequest(f"'{name}' is a required property")
        row = {"id": context.new_hex_id(), **self._kind.defaults, **given}
        with self._cloud.store.lock:
            self._prepare(request, row)
            self._check_unique(row)
            self.table.put(row)
        return 201, {self._kind.singular: self.view(request, row)}

    def index(self, request: wsgi.Request) -> wsgi.Result:
        """All that match the query's fields."""
        filters = {
            name: value
            for name, value in request.query.items()
            if name in self._kind.defaults or name in self._kind.unique
        }
        rows = self.table.list(
            lambda row: all(_same(row.get(k), v) for k, v in filters.items())
        )
        return collection(
            request,
            self._kind.table,
            [self.view(request, row) for row in rows],
        )

    def show(self, request: wsgi.Request, resource_id: str) -> wsgi.Result:
        """One of them.

        :raises Forbidden: neither admin's nor the caller's own.
        """
        row = self.find(resource_id, request)
        return {self._kind.singular: self.view(request, row)}

    def change(self, request: wsgi.Request, resource_id: str) -> wsgi.Result:
        """Set the fields that are given."""
        given = _given(request, self._kind.singular)
        with self._cloud.store.lock:
            row = {**self.find(resource_id), **given, "id": resource_id}
            self._prepare(request, row)
            self._check_unique(row)
            self.table.put(row)
        return {self._kind.singular: self.view(request, row)}

    def delete(self, request: wsgi.Request, resource_id: str) -> wsgi.Result:
        """204."""
        with self._cloud.store.lock:
            row = self.find(resource_id)
            self.table.delete(resource_id)
            if self._kind.removed:
                self._kind.removed(request, row)

    def find(
        self, resource_id: str, request: wsgi.Request | None = None
    ) -> store.Document:
        """Return a document.

        :param request: refuse it to a caller it is not meant for.
        :raises NotFound: nothing has the id.
        """
        one = self._kind.singular
        if request is not None and not self._may_read(request, resource_id):
            raise errors.Forbidden(
                "You are not authorized to perform the requested action: "
                f"identity:get_{one}."
            )
        row = self.table.get(resource_id)
        if row is None:
            raise errors.NotFound(f"Could not find {one}: {resource_id}.")
        return row

    def view(
        self, request: wsgi.Request, row: store.Document
    ) -> dict[str, typing.Any]:
        """Return what an answer shows of a document."""
        shown = {k: v for k, v in row.items() if k not in self._kind.secret}
        if self._kind.show:
            self._kind.show(shown)
        address = f"{request.base}/v3/{self._kind.table}/{row['id']}"
        return {**shown, "links": {"self": address}}

    def _prepare(self, request: wsgi.Request, row: store.Document) -> None:
        if self._kind.prepare:
            self._kind.prepare(request, row)

    def _check_unique(self, row: store.Document) -> None:
        keys = self._kind.unique
        if not keys:
            return
        other = self.table.first(**{key: row.get(key) for key in keys})
        if other is not None and other["id"] != row["id"]:
            one = self._kind.singular
            raise errors.Conflict(
                f"Conflict occurred attempting to store {one} - Duplicate "
                f"entry found with name {row.get('name')}."
            )

    def _may_list(self, request: wsgi.Request) -> bool:
        open_to_all = self._kind.table in ("regions", "roles")
        return request.is_admin or (open_to_all and _manager(request))

    def _may_read(self, request: wsgi.Request, resource_id: str) -> bool:
        caller = request.caller
        own = {
            caller.user_id,
            caller.project_id,
            caller.domain_id,
            caller.project_domain_id,
            caller.user_domain_id,
        }
        return (
            request.is_admin
            or self._kind.table == "regions"
            or resource_id in own
        )


def collection(
    request: wsgi.Request, key: str, rows: list[typing.Any]
) -> dict[str, typing.Any]:
    """Return Keystone's shape of a list."""
    links = {"next": None, "self": request.url, "previous": None}
    return {key: rows, "links": links}


def _given(request: wsgi.Request, singular: str) -> dict[str, typing.Any]:
    given = dict(request.body(singular))
    given.pop("links", None)
    return given


def _manager(request: wsgi.Request) -> bool:
    return "manager" in request.roles


def _same(value: typing.Any, text: str) -> bool:
    if isinstance(value, bool):
        return value == (text.lower() not in ("0", "false", "no"))
    return str(value) == text
