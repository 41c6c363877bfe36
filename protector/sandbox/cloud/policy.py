# SPDX-License-Identifier: Apache-2.0
"""Who may call a route, by name of the rule.

The rules are OpenStack's default personas.  Ownership (one tenant blind
to another) is the handler's: it knows the row.
"""

import collections.abc

from protector.sandbox.cloud import request as requests

Check = collections.abc.Callable[[requests.Request], bool]

PUBLIC = "public"


def _in_project(request: requests.Request, role: str) -> bool:
    if request.is_admin:
        return True
    return request.project_id is not None and role in request.roles


_RULES: dict[str, Check] = {
    "any": lambda request: True,
    "reader": lambda request: _in_project(request, "reader"),
    "member": lambda request: _in_project(request, "member"),
    "manager": lambda request: _in_project(request, "manager"),
    "admin": lambda request: request.is_admin,
    "service": lambda request: (
        request.is_admin or request.is_service or "service" in request.roles
    ),
}


def allows(rule: str | Check, request: requests.Request) -> bool:
    """Tell whether a rule lets an authenticated request pass.

    :param rule: ``any`` (a valid token), ``reader``, ``member``,
        ``manager`` (that role in the token's project, or admin),
        ``admin``, ``service``; or a function of the request.
    :raises KeyError: no such rule.
    """
    if callable(rule):
        return rule(request)
    return _RULES[rule](request)
