# SPDX-License-Identifier: Apache-2.0
"""The same request for many groups, a few at a time.

One that is refused, or gets no answer, does not stop the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent import futures
from dataclasses import dataclass
from typing import Any

from keystoneauth1 import exceptions as ksa_exceptions
from openstack import exceptions as sdk_exceptions

#: Requests under way at once: a site with hundreds of groups must not keep
#: the API from answering others.
AT_ONCE = 8


@dataclass(frozen=True)
class Asked:
    """What came of the request for one group: an answer, or an error."""

    group: Any
    answer: Any = None
    error: Exception | None = None


def verb(group: Any, site_id: str) -> str:
    """The verb that leads a group away from the site where it runs."""
    return "failover" if group.primary_site_id == site_id else "failback"


def ask(groups: Iterable[Any], request: Callable[[Any], Any]) -> list[Asked]:
    """Ask for each group.

    :param request: takes a group
    :returns: in the order of the groups
    """

    def one(group: Any) -> Asked:
        try:
            return Asked(group, request(group))
        except (
            sdk_exceptions.SDKException,
            ksa_exceptions.ClientException,
        ) as error:
            return Asked(group, error=error)

    with futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, groups))
