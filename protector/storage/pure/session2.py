# SPDX-License-Identifier: Apache-2.0
"""One thread's session with an array over REST 2.x.

The SDK does not raise what an array refuses, repeats requests, sleeps when a
login is put off, waits for answers that never end, logs out when it is
collected and trusts anybody unless told otherwise: each is dealt with here.
What is asked is the adapter's.
"""

import atexit
from collections.abc import Callable, Iterable, Iterator
import contextlib
import functools
import importlib.util
from typing import Any, TypeVar

from oslo_log import log as logging

from protector import bounded_http, exception
from protector.storage import base
from protector.storage.pure import refusals, trust

LOG = logging.getLogger(__name__)

T = TypeVar("T")
Request = Callable[[Any], Any]
_SDK = "pypureclient"
_UNAUTHORIZED = 401


def installed() -> bool:
    """Whether the optional SDK is there."""
    return importlib.util.find_spec(_SDK) is not None


def best(offered: Iterable[str]) -> str | None:
    """The newest REST 2.x version that the SDK knows too."""
    from pypureclient.flasharray.client import fa_modules_dict

    known = [v for v in offered if v.startswith("2.") and v in fa_modules_dict]
    return max(known, key=lambda v: int(v.partition(".")[2]), default=None)


class Session2:
    """Requests of one thread; logs in when it must.

    :param timeout: (connect, read) in seconds.
    :param before_change: run before each request that changes the array.
    """

    def __init__(
        self,
        array: base.Array,
        version: str,
        timeout: tuple[float, float],
        before_change: Callable[[], None],
    ) -> None:
        self._array = array
        self._version = version
        self._timeout = timeout
        self._before_change = before_change
        self._client: Any = None

    def read(self, request: Request, shape: Callable[[Any], T]) -> T:
        """What ``shape`` makes of all rows of an answer.

        :raises ArrayError: see ``adapter.Adapter``.
        """
        answer = self._answer(request, lambda: None)
        with self._translated():
            return shape(answer.items)

    def change(self, what: str, request: Request) -> None:
        """Send a request that changes the array, and is answered with what
        it has made of it.

        The login comes before the question whether it may be sent, so that
        nothing but the request itself comes after.
        """
        answer = self._answer(request, lambda: self._announce(what))
        with self._translated():
            list(answer.items)

    def remove(self, what: str, request: Request) -> None:
        """The same of a request that is answered with nothing."""
        self._answer(request, lambda: self._announce(what))

    def _announce(self, what: str) -> None:
        self._before_change()
        LOG.info("Array %s: %s", self._array.name, what)

    def _answer(self, request: Request, before: Callable[[], None]) -> Any:
        """What an array answers; in a new session if the old one has ended."""
        for again in (False, True):
            with self._translated():
                client = self._opened()
            before()
            with self._translated():
                answer = request(client)
            if again or answer.status_code != _UNAUTHORIZED:
                break
            self._client = None
        if not 200 <= answer.status_code < 300:
            raise refusals.refused(self._array, answer)
        return answer

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        from pypureclient import exceptions

        with trust.translated(self._array):
            try:
                yield
            except exceptions.PureError as error:
                raise refusals.no_session(self._array, error) from None

    def _opened(self) -> Any:
        if not self._array.api_token:
            raise exception.ArrayError(
                f"There is no API token for array {self._array.name}.",
                remedy=f"Set api_token in [{self._array.name}].",
            )
        if self._client is None:
            self._client = _log_in(self._array, self._version, self._timeout)
        return self._client


def _log_in(
    array: base.Array, version: str, timeout: tuple[float, float]
) -> Any:
    """A client of the SDK with a session.

    ``ssl_cert`` of the SDK pins nothing and no ``verify_ssl`` means none, so
    both are set in its configuration.  Its own retries would repeat changes.
    """
    from pypureclient import configuration, flasharray

    _bound_waits()
    wire = configuration.Configuration(ssl_ca_cert=array.ca_file)
    wire.verify_ssl = array.verify
    wire.retries = False
    client = flasharray.Client(
        array.management_address,
        version=version,
        api_token=array.api_token,
        configuration=wire,
        timeout=timeout,
        retries=0,
    )
    _leave_in_peace(client)
    return client


@functools.cache
def _bound_waits() -> None:
    """Let every request of the SDK end in time, once for the process.

    It takes neither connections nor the number of its logins from anybody,
    and would sleep as long as an array says.
    """
    from pypureclient import api_token_manager
    from pypureclient._transport import rest

    class Wire(rest.RESTClientObject):  # type: ignore[misc]
        def __init__(self, *args: Any, **kw: Any) -> None:
            super().__init__(*args, **kw)
            bounded_http.bound(self.pool_manager)

    rest.RESTClientObject = Wire
    api_token_manager.call_with_rate_limit_retries = lambda call: call()


def _leave_in_peace(client: Any) -> None:
    """Keep the SDK from logging out when it is collected or at exit.

    It would ask an array that may be lost, in any thread and at any moment;
    and its hook at exit keeps every client for ever.  An array ends idle
    sessions itself.
    """
    tokens = client._token_man
    tokens._token_dispose_endpoint = None
    atexit.unregister(tokens._APITokenManager__close_session_on_exit)
