# SPDX-License-Identifier: Apache-2.0
"""A property that is found out once for each object, and locks nothing.

``functools.cached_property`` of Python 3.11 holds one lock for all objects of
a class while it finds the value out: whoever waits for a site that hangs
would keep all others from asking the sites that answer.  To be replaced by it
when 3.12 is the oldest release that is supported.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Lazy(Generic[T]):
    """:param find: what finds the value out; two threads may do it at once,
    and the last one's value stays."""

    def __init__(self, find: Callable[[Any], T]) -> None:
        self._find = find
        self.__doc__ = find.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type) -> T:
        found = instance.__dict__[self._name] = self._find(instance)
        return found
