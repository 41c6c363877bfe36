# SPDX-License-Identifier: Apache-2.0
"""What all of Neutron's resources have in common.

Attributes with their rights, ownership, filters, fields, sorting, pages,
quotas.  What is special to a resource is in its sub-class's hooks.
"""

import collections.abc
import dataclasses
import typing

from protector.sandbox.cloud import context, errors, pagination, store, wsgi
from protector.sandbox.cloud.neutron import caller as callers
from protector.sandbox.cloud.neutron import filters, quotas

Caller = callers.Caller
UNLIMITED = 10**9


@dataclasses.dataclass(frozen=True)
class Attribute:
    """One attribute of a resource.

    :ivar default: when a creation does not give it.
    :ivar post: a creation may give it; ``put``: an update may.
    :ivar admin: only an admin may give it.
    :ivar hidden: only an admin sees it.
    """

    default: typing.Any = None
    post: bool = True
    put: bool = True
    admin: bool = False
    hidden: bool = False


READ_ONLY = Attribute(post=False, put=False)
COMMON = {
    "id": READ_ONLY,
    "name": Attribute(""),
    "description": Attribute(""),
    "project_id": Attribute(put=False),
    "tenant_id": Attribute(put=False),
    "created_at": READ_ONLY,
    "updated_at": READ_ONLY,
    "revision_number": READ_ONLY,
    "tags": Attribute([], put=False),
}
"""``tags`` is taken in a creation and has no effect there: the real
Neutron 29 answers 201 with an empty list."""


class Collection:
    """The handlers of one kind of resource."""

    plural: str
    singular: str
    title: str
    """In messages: ``Port``."""
    attributes: dict[str, Attribute]
    required: tuple[str, ...] = ()
    limited = True
    """Whether a quota counts it."""

    def __init__(self, cloud: context.Cloud, limits: quotas.Quotas) -> None:
        self._cloud = cloud
        self._store = cloud.store
        self._quotas = limits
        self.table = cloud.store.table(self.plural)

    def routes(self) -> collections.abc.Iterator[wsgi.Route]:
        """Yield the five routes."""
        rule = f"/v2.0/{self.plural.replace('_', '-')}"
        item = f"{rule}/<resource_id>"
        one = self.singular
        for method, path, handler, policy, verb in (
            ("POST", rule, self.create_many, "member", f"create_{one}"),
            ("GET", rule, self.index, "reader", f"get_{one}"),
            ("GET", item, self.show, "reader", f"get_{one}"),
            ("PUT", item, self.change, "member", f"update_{one}"),
            ("DELETE", item, self.remove, "member", f"delete_{one}"),
        ):
            yield wsgi.Route(method, path, handler, policy, verb)

    # --- hooks -----------------------------------------------------------

    def is_visible(self, caller: Caller, row: store.Document) -> bool:
        """Tell whether a caller may know of it."""
        return caller.is_admin or self.is_owner(caller, row)

    def is_owner(self, caller: Caller, row: store.Document) -> bool:
        """Tell whether it is the caller's project's."""
        return row["project_id"] == caller.project_id

    def creating(
        self,
        caller: Caller,
        row: store.Document,
        given: dict[str, typing.Any],
    ) -> None:
        """Complete or refuse a new document."""

    def updating(
        self,
        caller: Caller,
        row: store.Document,
        given: dict[str, typing.Any],
        before: store.Document,
    ) -> None:
        """Complete or refuse a changed document."""

    def deleting(self, caller: Caller, row: store.Document) -> None:
        """Refuse a deletion, or remove what goes with it."""

    def computed(self, row: store.Document) -> dict[str, typing.Any]:
        """Return attributes that are worked out, not stored."""
        return {}

    # --- the work, also for calls in the process -------------------------

    def create(
        self, caller: Caller, given: dict[str, typing.Any]
    ) -> store.Document:
        """Write a new document and return it as an admin sees it."""
        self._check_given(caller, given, "post")
        for name in self.required:
            if given.get(name) is None:
                raise bad_request(
                    "Failed to parse request. Required attribute "
                    f"'{name}' not specified"
                )
        owner = given.get("project_id") or given.get("tenant_id")
        owner = owner or caller.project_id or ""
        self._check_owner(caller, owner)
        row = self._blank(owner)
        row.update(store.copy_document(given), project_id=owner, tags=[])
        row.pop("tenant_id", None)
        with self._store.lock:
            if self.limited:
                self._quotas.check(owner, self.singular, self.table)
            self.creating(caller, row, given)
            self.table.put(row)
        return self.view(Caller(owner, True), row)

    def update(
        self, caller: Caller, key: str, given: dict[str, typing.Any]
    ) -> store.Document:
        """Change a document and return it as the caller sees it."""
        with self._store.lock:
            before = self.find(caller, key)
            if not (caller.is_admin or self.is_owner(caller, before)):
                raise forbidden(f"update_{self.singular}")
            self._check_given(caller, given, "put")
            row = {**before, **store.copy_document(given)}
            row["updated_at"] = self._cloud.clock.zulu()
            row["revision_number"] = before["revision_number"] + 1
            self.updating(caller, row, given, before)
            self.table.put(row)
        return self.view(caller, row)

    def delete(self, caller: Caller, key: str) -> None:
        """Remove a document."""
        with self._store.lock:
            row = self.find(caller, key)
            if not (caller.is_admin or self.is_owner(caller, row)):
                raise forbidden(f"delete_{self.singular}")
            self.deleting(caller, row)
            self.table.delete(key)

    def find(self, caller: Caller, key: typing.Any) -> store.Document:
        """Return a document the caller may see.

        :raises NotFound: there is none, or it is somebody else's.
        """
        row = self.table.get(str(key))
        if row is None or not self.is_visible(caller, row):
            raise self.not_found(key)
        return row

    def not_found(self, key: typing.Any) -> errors.NotFound:
        """Return the 404 of this kind."""
        return errors.NotFound(
            f"{self.title} {key} could not be found.",
            kind=f"{self.title.replace(' ', '')}NotFound",
        )

    def view(
        self, caller: Caller, row: store.Document
    ) -> dict[str, typing.Any]:
        """Return what a caller sees of a document."""
        shown = {
            name: row.get(name)
            for name, attribute in self.attributes.items()
            if caller.is_admin or not attribute.hidden
        }
        shown["tenant_id"] = shown["project_id"]
        shown.update(self.computed(row))
        return shown

    # --- handlers --------------------------------------------------------

    def create_many(self, request: wsgi.Request) -> wsgi.Result:
        """201; one document, or several at once under the plural."""
        caller = Caller.of(request)
        body = request.json()
        if isinstance(body.get(self.plural), list):
            with self._store.lock:
                made = [self.create(caller, x) for x in body[self.plural]]
            rows = [self._seen(caller, row) for row in made]
            return 201, {self.plural: rows}
        row = self.create(caller, request.body(self.singular))
        return 201, {self.singular: self._seen(caller, row)}

    def index(self, request: wsgi.Request) -> wsgi.Result:
        """The documents the caller may see, filtered, sorted, in pages."""
        caller = Caller.of(request)
        self.listing(caller)
        wanted = filters.parse(request.query, self.attributes)
        rows = self.table.list(lambda row: self.is_visible(caller, row))
        shown = [self.view(caller, row) for row in rows]
        shown = [row for row in shown if filters.match(row, wanted)]
        filters.sort(shown, request.query)
        page = pagination.paginate(request, shown, self.plural, UNLIMITED)
        page[self.plural] = filters.fields(page[self.plural], request.query)
        return page

    def listing(self, caller: Caller) -> None:
        """Prepare a list (security groups make the default one)."""

    def show(self, request: wsgi.Request, resource_id: str) -> wsgi.Result:
        """One document."""
        caller = Caller.of(request)
        row = self.view(caller, self.find(caller, resource_id))
        return {self.singular: filters.fields([row], request.query)[0]}

    def change(self, request: wsgi.Request, resource_id: str) -> wsgi.Result:
        """Set what is given."""
        given = request.body(self.singular)
        row = self.update(Caller.of(request), resource_id, given)
        return {self.singular: row}

    def remove(self, request: wsgi.Request, resource_id: str) -> wsgi.Result:
        """204."""
        self.delete(Caller.of(request), resource_id)

    def transaction(self) -> typing.ContextManager[typing.Any]:
        """Return the lock that makes several changes one."""
        return self._store.lock

    # ---------------------------------------------------------------------

    def _seen(self, caller: Caller, row: store.Document) -> store.Document:
        return {
            name: value
            for name, value in row.items()
            if caller.is_admin
            or name not in self.attributes
            or not self.attributes[name].hidden
        }

    def _blank(self, owner: str) -> store.Document:
        row = {
            name: store.copy_document(attribute.default)
            for name, attribute in self.attributes.items()
            if name != "tenant_id"
        }
        now = self._cloud.clock.zulu()
        row.update(
            id=context.new_id(),
            project_id=owner,
            created_at=now,
            updated_at=now,
            revision_number=1,
        )
        return row

    def _check_given(
        self, caller: Caller, given: dict[str, typing.Any], verb: str
    ) -> None:
        unknown = [name for name in given if name not in self.attributes]
        if unknown:
            names = ", ".join(unknown)
            raise bad_request(f"Unrecognized attribute(s) '{names}'")
        fixed = [x for x in given if not getattr(self.attributes[x], verb)]
        if fixed:
            raise bad_request(
                f"Attribute '{fixed[0]}' not allowed in {verb.upper()}"
            )
        if caller.is_admin:
            return
        action = ("create_" if verb == "post" else "update_") + self.singular
        for name in given:
            if self.attributes[name].admin:
                raise forbidden(f"{action} and rule:{action}:{name}")

    def _check_owner(self, caller: Caller, owner: str) -> None:
        if not caller.is_admin and owner != caller.project_id:
            raise bad_request(
                "Specifying 'project_id' or 'tenant_id' other than the "
                "authenticated project in request requires admin privileges"
            )


def bad_request(message: str) -> errors.BadRequest:
    """Return Neutron's plain 400."""
    return errors.BadRequest(message, kind="HTTPBadRequest")


def invalid(message: str) -> errors.BadRequest:
    """Return Neutron's InvalidInput."""
    return errors.BadRequest(
        f"Invalid input for operation: {message}.", kind="InvalidInput"
    )


def forbidden(rules: str) -> errors.Forbidden:
    """Return Neutron's 403 for one rule or several (``a and rule:b``)."""
    return errors.Forbidden(
        f"(rule:{rules}) is disallowed by policy", kind="PolicyNotAuthorized"
    )
