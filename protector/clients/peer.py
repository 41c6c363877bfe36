# SPDX-License-Identifier: Apache-2.0
"""The other site's Protector: ``/v1/peer`` of its API.

Its refusals arrive as our own exceptions; no answer, and an answer that is
not its own, is ``PeerUnreachable``.
"""

from collections.abc import Callable, Iterator
import contextlib
import datetime
from email.utils import parsedate_to_datetime
import functools
import hashlib
from typing import Any

from keystoneauth1 import adapter
from keystoneauth1 import exceptions as ksa_errors

from protector import exception
from protector.clients import errors, rest

Json = dict[str, Any]
SERVICE_TYPE = "protector"
LABEL = "Protector"
VERSION = "protector 1.2"
TRIPLE = {"epoch": int, "version": int, "checksum": str}
# refusals by status, when the reason is not known here
BY_STATUS: dict[int, type[exception.ProtectorError]] = {
    400: exception.BadRequest,
    404: exception.NotFound,
    409: exception.Conflict,
}


class PeerClient:
    """Calls from this site's Protector to the peer's.

    :param scope: makes the scope, given the seconds that are left (None:
        the usual timeouts).
    :param local_site_id: told in each call, so that the peer knows who
        asks.
    """

    def __init__(
        self,
        scope: Callable[[float | None], rest.Scope],
        local_site_id: str | None,
    ) -> None:
        self._make_scope = scope
        self._local_site_id = local_site_id

    @functools.cached_property
    def _scope(self) -> rest.Scope:
        return self._make_scope(None)

    def identity(self) -> Json:
        """Who the peer is: ``site`` (``id``, ``name``) and
        ``versions``."""
        return self._ask("GET", "identity")

    def groups(self, marker: str | None = None) -> list[Json]:
        """One page of the peer's groups: ``id``, ``epoch``, ``version``,
        ``checksum``; empty after the last.

        :param marker: id of the last group of the page before.
        """
        params = {"marker": marker} if marker else {}
        found = self._ask("GET", "groups", params=params).get("groups")
        if not isinstance(found, list):
            raise self._unreachable(self._scope, "a broken answer")
        return found

    def all_groups(self) -> list[Json]:
        """All pages of ``groups``."""
        found: list[Json] = []
        marker = None
        while page := self.groups(marker):
            if page[-1]["id"] == marker:
                # it would go on for ever
                raise self._unreachable(self._scope, "a broken answer")
            found += page
            marker = page[-1]["id"]
        return found

    def group(self, group_id: str) -> Json:
        """What the peer holds of a group: as ``groups`` tells, with its
        ``document`` (text) and the ``claimed_epoch``.

        :raises NotFound: it knows none.
        """
        found = self._ask("GET", f"groups/{group_id}").get("group")
        if not isinstance(found, dict):
            raise self._unreachable(self._scope, "a broken answer")
        return found

    def reserve(self, group: Json) -> Json:
        """Reserve a group's name; the same again is no error.

        :param group: ``id``, ``name``, ``project_id`` (at the peer).
        :raises NameTaken: another group has it.
        """
        return self._ask("POST", "groups", json=group)

    def push(
        self, group_id: str, document: bytes, checksum: str | None = None
    ) -> Json:
        """Give the peer a document, byte for byte.

        :param checksum: its SHA-256 in hex as it was recorded; reckoned
            here when not given.
        :raises StaleDocument: ``details`` have the peer's own epoch,
            version and checksum.
        """
        if checksum is None:
            checksum = hashlib.sha256(document).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "X-Protector-Checksum": checksum,
        }
        return self._ask(
            "PUT", f"groups/{group_id}", data=document, headers=headers
        )

    def forget(self, group_id: str, tombstone: Json | None = None) -> Json:
        """Tell the peer that a group was deleted.

        :raises NotFound: it knows none.
        """
        return self._ask("DELETE", f"groups/{group_id}", json=tombstone)

    def action(self, group_id: str, body: Json) -> Json:
        """Forward a verb.

        :param body: ``operation_id``, ``verb``, ``args``, ``user_id``,
            ``request_id``.
        """
        return self._ask("POST", f"groups/{group_id}/action", json=body)

    def lock(
        self,
        group_id: str,
        operation_id: str,
        epoch_held: int,
        span_seconds: int,
    ) -> Json:
        """Take or renew the source's lock of a planned move.

        :raises LockLost: it expired or was replaced.
        :raises InvalidStatus: a change still runs there.
        """
        body = {
            "operation_id": operation_id,
            "epoch_held": epoch_held,
            "span_seconds": span_seconds,
        }
        return self._ask("POST", f"groups/{group_id}/lock", json=body)

    def unlock(self, group_id: str, operation_id: str) -> Json:
        """Give the source's lock back.

        :raises LockLost: it expired or was replaced.
        """
        body = {"operation_id": operation_id}
        return self._ask("POST", f"groups/{group_id}/unlock", json=body)

    def release(self, group_id: str, operation_id: str, epoch: int) -> Json:
        """Ask the source to hand the group over; the same again is safe.

        :returns: ``epoch``, ``version``, ``checksum``.
        :raises LockLost: the lock expired or was replaced.
        :raises PeerUnreachable: no answer, or one that does not tell them.
        """
        body = {"operation_id": operation_id, "epoch": epoch}
        found = self._ask("POST", f"groups/{group_id}/release", json=body)
        given = {name: found.get(name) for name in TRIPLE}
        if any(type(given[name]) is not kind for name, kind in TRIPLE.items()):
            raise self._unreachable(self._scope, "a broken answer")
        return given

    def mirror(self, operation_id: str, body: Json) -> Json:
        """Show an operation of this site at the peer."""
        return self._ask("PUT", f"operations/{operation_id}", json=body)

    def check(self, timeout: float) -> Json:
        """Whether the peer answers, and is the site it should be.

        First without a token, so that a dead peer costs one connection.

        :param timeout: seconds for all of it.
        :returns: its identity.
        :raises PeerUnreachable: it does not, with a short cause.
        """
        scope = self._make_scope(timeout)
        try:
            with self._understood(scope):
                self._adapter(scope).get("/", authenticated=False)
            found = self._ask("GET", "identity", scope=scope)
        except exception.CloudForbidden as e:
            raise self._unreachable(scope, e.message) from e
        site = found.get("site")
        if not isinstance(site, dict) or site.get("id") is None:
            raise self._unreachable(scope, "a broken answer")
        if site["id"] != scope.access.site_id:
            raise self._unreachable(scope, "another site answers there")
        return found

    def time(self) -> datetime.datetime:
        """What the peer's clock says, to the second, in UTC.

        :raises PeerUnreachable: it does not answer, or does not say.
        """
        scope = self._scope
        with self._understood(scope):
            answer = self._adapter(scope).get("/", authenticated=False)
        try:
            found = parsedate_to_datetime(answer.headers["Date"])
            # one without a zone would be nobody's time
            return found.astimezone(datetime.UTC)
        except (KeyError, ValueError):
            raise self._unreachable(
                scope, "it does not tell its time"
            ) from None

    def _ask(
        self,
        method: str,
        path: str,
        scope: rest.Scope | None = None,
        headers: dict[str, str] | None = None,
        **kwargs: Any,
    ) -> Json:
        """The JSON object of an answer, ``{}`` when it has no body."""
        scope = scope or self._scope
        with self._understood(scope):
            answer = self._adapter(scope).request(
                f"/v1/peer/{path}", method, headers=headers or {}, **kwargs
            )
            body = answer.json() if answer.content else {}
        if not isinstance(body, dict):
            raise self._unreachable(scope, "a broken answer")
        return body

    def _adapter(self, scope: rest.Scope) -> adapter.Adapter:
        headers = {"OpenStack-API-Version": VERSION}
        if self._local_site_id:
            headers["X-Protector-Site"] = self._local_site_id
        return adapter.Adapter(
            scope.session,
            service_type=SERVICE_TYPE,
            interface=scope.access.interface,
            region_name=scope.access.region_name,
            endpoint_override=scope.access.endpoint,
            global_request_id=scope.request_id,
            additional_headers=headers,
        )

    @contextlib.contextmanager
    def _understood(self, scope: rest.Scope) -> Iterator[None]:
        try:
            yield
        except errors.Refused as e:
            raise self._refusal(scope, e) from e
        except errors.Broken as e:
            raise self._unreachable(scope, "a broken answer") from e
        except ksa_errors.HttpError as e:
            found = errors.translate(e, LABEL, scope.site_name, "sign in")
            if isinstance(found, exception.CloudForbidden):
                raise found from e
            text = f"its Keystone answered {e.http_status}"
            raise self._unreachable(scope, text) from e
        except ksa_errors.ClientException as e:
            raise self._unreachable(scope, errors.cause(e)) from e

    def _refusal(
        self, scope: rest.Scope, refused: errors.Refused
    ) -> exception.ProtectorError:
        """The peer's own exception, made anew here.

        401 and 403 are about the credentials stored with the site, not
        about the user of this site: they stay ``CloudForbidden``.
        """
        if refused.status in (401, 403):
            return errors.translate(
                refused, LABEL, scope.site_name, "admit the service user"
            )
        body = refused.body if isinstance(refused.body, dict) else {}
        error = body.get("error")
        if not isinstance(error, dict):
            text = f"it answered {refused.status}: {refused.text}"
            return self._unreachable(scope, text)
        rebuilt = exception.from_dict(
            {
                "reason": str(error.get("reason", "")),
                "message": str(error.get("message") or refused.text),
                "details": _details(error.get("details")),
            }
        )
        if type(rebuilt).code == refused.status and refused.status != 500:
            return rebuilt
        kind = BY_STATUS.get(refused.status)
        if kind is None:
            text = f"it answered {refused.status}: {refused.text}"
            return self._unreachable(scope, text)
        return kind(rebuilt.message, **rebuilt.details)

    def _unreachable(
        self, scope: rest.Scope, text: str
    ) -> exception.PeerUnreachable:
        access = scope.access
        return exception.PeerUnreachable(
            f"Site {access.name} is unreachable: {text}.",
            site=access.site_id,
            cause=text,
        )


def _details(given: Any) -> Json:
    """Those that an exception can carry."""
    if not isinstance(given, dict):
        return {}
    return {
        str(key): value
        for key, value in given.items()
        if key not in ("message", "remedy", "self")
    }
