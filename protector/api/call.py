# SPDX-License-Identifier: Apache-2.0
"""One request as the handlers see it, and what they answer.

Handlers get everything from here: nothing is global.
"""

from collections.abc import Mapping
import dataclasses
import datetime
from typing import Any

from protector import exception, runtime
from protector.api import microversion, settling
from protector.context import RequestContext

Json = dict[str, Any]
Row = Mapping[str, Any]

ADMIN = "admin"


@dataclasses.dataclass
class Call:
    """A validated request.

    ``query`` and ``body`` have passed their schemas; ``raw`` is the body as
    it was sent; ``rules`` are those that the route may ask.
    """

    runtime: runtime.Runtime
    settling: settling.Settling
    context: RequestContext
    version: microversion.Version
    query: dict[str, str]
    body: Any
    raw: bytes
    url: str
    path: str
    headers: Mapping[str, str]
    rules: tuple[str, ...]
    authorized: bool = False

    @property
    def now(self) -> datetime.datetime:
        return self.runtime.clock.now()

    def allows(self, rule: str, project_id: str | None) -> bool:
        """Whether the caller may do this to a row of the project."""
        target = {"project_id": project_id}
        return self.runtime.policy.allows(self.context, rule, target)

    def authorize(
        self, project_id: str | None, rule: str | None = None
    ) -> None:
        """Ask a rule of the route, by default its first, about a row.

        :param project_id: the *row's* project, never the URL's.
        :raises PolicyForbidden: it says no.
        """
        rule = rule or self.rules[0]
        if rule not in self.rules:
            raise LookupError(f"{rule} is no rule of this route")
        target = {"project_id": project_id}
        self.runtime.policy.authorize(self.context, rule, target)
        self.authorized = True

    def authorize_visible(
        self,
        project_id: str,
        show: str,
        missing: exception.NotFound,
        rule: str | None = None,
    ) -> None:
        """Like ``authorize``, but who may not even see the row of another
        project is told that there is none.

        :param show: the rule of showing the row.
        """
        target = {"project_id": project_id}
        if self.context.project_id != project_id and not self.allows(
            show, project_id
        ):
            raise missing
        self.runtime.policy.authorize(self.context, show, target)
        self.authorize(project_id, rule)

    @property
    def is_admin(self) -> bool:
        return self.runtime.policy.allows(self.context, ADMIN, {})


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a handler answers; ``body`` None is an empty answer."""

    body: Json | None
    status: int = 200
    location: str | None = None
    retry_after: int | None = None
    etag: str | None = None
