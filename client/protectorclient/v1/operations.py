# SPDX-License-Identifier: Apache-2.0
"""Operations: every long task, with its steps."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from keystoneauth1 import adapter
from openstack import resource

from protectorclient import times
from protectorclient.v1 import _base

FINISHED = frozenset({"completed", "failed", "cancelled"})
_DEFAULT_RETRY_SECONDS = 2.0


class Operation(_base.Resource):
    """A task that the server works on, or has ended."""

    noun = "operation"
    resource_key = "operation"
    resources_key = "operations"
    base_path = "/v1/%(tenant_id)s/operations"
    allow_fetch = True
    allow_list = True
    _query_mapping = resource.QueryParameters(
        "protection_group_id",
        "kind",
        "status",
        "type",
        "outcome",
        *_base.PAGING,
        include_pagination_defaults=False,
        all_projects="all_tenants",
    )

    protection_group_id = resource.Body("protection_group_id")
    project_id = resource.Body("project_id")
    kind = resource.Body("kind")
    #: ``planned`` or ``unplanned``, where the kind has types.
    type = resource.Body("type")
    #: pending running completed failed cancelled.
    status = resource.Body("status")
    #: ``success``, ``warnings`` or None.
    outcome = resource.Body("outcome")
    #: Percent.
    progress = resource.Body("progress", type=int)
    #: The server's estimate, seconds.
    remaining_seconds = resource.Body("remaining_seconds", type=int)
    steps = resource.Body("steps", type=list)
    steps_completed = resource.Body("steps_completed")
    steps_failed = resource.Body("steps_failed")
    #: ``{reason, message, remedy}``.
    error = resource.Body("error", type=dict)
    source_site_id = resource.Body("source_site_id")
    target_site_id = resource.Body("target_site_id")
    origin_site_id = resource.Body("origin_site_id")
    recovery_point_id = resource.Body("recovery_point_id")
    user_id = resource.Body("user_id")
    request_id = resource.Body("request_id")
    created_at = resource.Body("created_at")
    started_at = resource.Body("started_at")
    finished_at = resource.Body("finished_at")
    allowed_actions = resource.Body("allowed_actions", type=list)
    #: ``{name: {reason, message}}`` of what it does not take any more.
    refused_actions = resource.Body("refused_actions", type=dict)
    #: Verdict, times, recovery point, members, checks, residue.
    result = resource.Body("result", type=dict)
    #: The server's wish between two looks.
    retry_after = resource.Header("Retry-After")
    #: The server's clock when it answered.
    served_at = resource.Header("Date")

    @property
    def is_finished(self) -> bool:
        """Whether it has ended, well or not."""
        return self.status in FINISHED

    @property
    def is_bare(self) -> bool:
        """Whether only its id is known."""
        return self.status is None

    @property
    def retry_after_seconds(self) -> float:
        """Seconds to wait before the next look."""
        try:
            return max(float(self.retry_after), 0.1)
        except (TypeError, ValueError):
            return _DEFAULT_RETRY_SECONDS

    @property
    def elapsed_seconds(self) -> float | None:
        """Seconds it has run by the server's clock; None if not begun."""
        started = times.parse(self.started_at or self.created_at)
        if started is None:
            return None
        end = times.parse(self.finished_at or self.served_at)
        return ((end or datetime.now(UTC)) - started).total_seconds()

    def do(
        self,
        session: adapter.Adapter,
        verb: str,
        args: dict[str, Any] | None = None,
    ) -> Operation:
        """``retry``, ``skip`` or ``cancel``; returns the operation after."""
        self.act(session, verb, args)
        return self.fetch(session)
