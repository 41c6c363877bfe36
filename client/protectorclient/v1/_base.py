# SPDX-License-Identifier: Apache-2.0
"""What all resources of the Protector API share.

The tenant in the path, lookup by name or id, paging by the server's links and
actions. Nothing here knows a particular resource.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self
from urllib import parse
import uuid

from keystoneauth1 import adapter
from openstack import exceptions, resource
import requests

from protectorclient import errors

PAGING = ("limit", "marker", "sort_key", "sort_dir", "changes_since")


def is_uuid(text: str) -> bool:
    """Whether the text is a UUID as the API writes them."""
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


class Resource(resource.Resource):
    """A resource under ``/v1/{tenant}`` or ``/v1/admin``.

    Fields that the server adds later are kept and shown, not dropped.
    """

    _allow_unknown_attrs_in_body = True

    #: What a user calls it, for messages.
    noun = "resource"
    #: The project in the path.
    tenant_id = resource.URI("tenant_id")
    #: Where the operation is that an accepted change (202) runs as.
    location_header = resource.Header("Location")

    #: HTTP status of the last answer.
    answer_status: int | None = None

    def _translate_response(
        self, response: requests.Response, *args: Any, **kwargs: Any
    ) -> None:
        """Also note the status: 202 means that it is not true yet."""
        super()._translate_response(response, *args, **kwargs)
        self.answer_status = response.status_code

    @property
    def accepted_operation_id(self) -> str | None:
        """Id of the operation, if the last answer was 202 (accepted)."""
        if self.answer_status != 202:
            return None
        if self.location_header:
            return parse.urlsplit(self.location_header).path.split("/")[-1]
        return self.get("last_operation_id")

    @classmethod
    def find(
        cls,
        session: adapter.Adapter,
        name_or_id: str,
        ignore_missing: bool = False,
        **params: Any,
    ) -> Self | None:
        """Find by id, else by exact name.

        :param session: the proxy
        :param name_or_id: a UUID or a name
        :param ignore_missing: return None instead of raising
        :param params: parts of the path, and filters of the list
        :raises errors.AmbiguousName: several have the name
        :raises errors.NoSuchResource: none has it
        """
        found = cls._by_id(session, name_or_id, params)
        found = found or cls._by_name(session, name_or_id, params)
        if found is None and not ignore_missing:
            raise errors.NoSuchResource(cls.noun, name_or_id)
        return found

    @classmethod
    def _by_id(
        cls, session: adapter.Adapter, name_or_id: str, params: dict[str, Any]
    ) -> Self | None:
        if not is_uuid(name_or_id):
            return None
        path = {k: v for k, v in params.items() if k in cls._uri_mapping()}
        try:
            return cls.new(id=name_or_id, **path).fetch(session)
        except exceptions.NotFoundException:
            return None

    @classmethod
    def _by_name(
        cls, session: adapter.Adapter, name: str, params: dict[str, Any]
    ) -> Self | None:
        rows = [
            row
            for row in cls.list(session, name=name, **params)
            if row.name == name
        ]
        return cls.only(name, rows)

    @classmethod
    def only(cls, name: str, rows: Iterable[Self]) -> Self | None:
        """The one row, None for none; several are an error."""
        matches = list(rows)
        if len(matches) > 1:
            raise errors.AmbiguousName(
                cls.noun, name, [row.id for row in matches]
            )
        return matches[0] if matches else None

    @classmethod
    def _get_next_link(
        cls,
        uri: str,
        response: requests.Response,
        data: dict[str, Any],
        *args: Any,
        **kwargs: Any,
    ) -> tuple[str | None, dict[str, Any]]:
        """Follow ``<plural>_links``; take only the query of the link.

        The path stays ours, so a proxy that moved the API to a prefix, or
        relative links, do no harm.
        """
        for link in data.get(f"{cls.resources_key}_links") or []:
            if link.get("rel") == "next":
                query = parse.urlsplit(link["href"]).query
                return uri, dict(parse.parse_qsl(query))
        return None, {}

    def act(
        self,
        session: adapter.Adapter,
        verb: str,
        args: dict[str, Any] | None = None,
        **beside: Any,
    ) -> requests.Response:
        """POST one verb to this resource's ``action``.

        :param verb: the key of the body
        :param args: its value
        :param beside: keys that stand beside the verb (``dry_run=True``)
        :raises errors.ProtectorHttpException: the server refused
        """
        request = self._prepare_request(requires_id=True)
        return session.post(
            f"{request.url}/action", json={verb: args or {}, **beside}
        )


class Singleton(Resource):
    """The one sub-resource of its kind that a protection group has."""

    requires_id = False
    allow_fetch = True

    #: The group in the path.
    group_id = resource.URI("group_id")
