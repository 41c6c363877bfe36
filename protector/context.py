# SPDX-License-Identifier: Apache-2.0
"""Who asks: the request context, from headers or for the engine itself."""

from typing import Any

from oslo_context import context

# what goes over RPC; a bus may add fields of its own on the way
_CARRIED = (
    "user_id",
    "project_id",
    "roles",
    "request_id",
    "global_request_id",
)


class RequestContext(context.RequestContext):
    """oslo's context; travels over RPC as a dict without the token.

    ``operation_id`` is shown in each line that is logged under it.
    """

    operation_id = "-"

    def get_logging_values(self) -> dict[str, Any]:
        return {
            **super().get_logging_values(),
            "operation_id": self.operation_id,
        }

    @property
    def is_admin_role(self) -> bool:
        return "admin" in {r.lower() for r in self.roles or []}

    def to_rpc(self) -> dict[str, Any]:
        """JSON primitives for RPC: who and which request, no secret."""
        return {
            "user_id": self.user_id,
            "project_id": self.project_id,
            "roles": list(self.roles or []),
            "request_id": self.request_id,
            "global_request_id": self.global_request_id,
        }

    @classmethod
    def from_rpc(cls, values: dict[str, Any]) -> "RequestContext":
        """The context of ``to_rpc``; other fields are left out."""
        return cls(**{key: values.get(key) for key in _CARRIED})


def enter_operation(operation_id: str, request_id: str | None) -> None:
    """What this thread logs from here on belongs to an operation."""
    context = RequestContext(request_id=request_id, roles=["service"])
    context.operation_id = operation_id
