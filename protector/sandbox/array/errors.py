# SPDX-License-Identifier: Apache-2.0
"""What the array answers when it refuses.

Only the errors themselves: which wire format they travel in is decided by the
wire adapters. The texts are those that the public clients match on, for the
array reports nearly everything with the one status 400.
"""

NOT_EXIST = "{} does not exist."
ALREADY_EXISTS = "{} already exists."
DESTROYED = "{} has been destroyed."


class ArrayError(Exception):
    """A refusal: ``msg`` for the caller and ``ctx``, the object's name."""

    status = 400

    def __init__(self, msg: str, ctx: str | None = None) -> None:
        super().__init__(msg)
        self.msg = msg
        self.ctx = ctx


class Unauthorized(ArrayError):
    """There is no session, or the credentials are wrong."""

    status = 401


class Forbidden(ArrayError):
    """The data path refuses a host that is not connected."""

    status = 403


class NotFound(ArrayError):
    """There is no such path."""

    status = 404


class Conflict(ArrayError):
    """A peer's transfer cannot go on: it was disallowed or given up."""

    status = 409


class VersionNotServed(ArrayError):
    """The REST version in the path is not one of the array's."""

    status = 450


def missing(kind: str, name: str) -> ArrayError:
    """Return the error for an object that is not there."""
    return ArrayError(NOT_EXIST.format(kind), name)


def exists(kind: str, name: str) -> ArrayError:
    """Return the error for a name that is taken."""
    return ArrayError(ALREADY_EXISTS.format(kind), name)


def destroyed(kind: str, name: str) -> ArrayError:
    """Return the error for an object that is pending eradication."""
    return ArrayError(DESTROYED.format(kind), name)
