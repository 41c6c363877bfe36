# SPDX-License-Identifier: Apache-2.0
"""Who asks Neutron for something: a request, or a service in-process."""

import dataclasses

from protector.sandbox.cloud import wsgi


@dataclasses.dataclass(frozen=True)
class Caller:
    """The project that asks, and whether as admin."""

    project_id: str | None
    is_admin: bool = False

    @classmethod
    def of(cls, request: wsgi.Request) -> "Caller":
        """Return the caller of a request; a service counts as admin."""
        admin = request.is_admin or "service" in request.roles
        return cls(request.project_id, admin)
