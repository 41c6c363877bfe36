# SPDX-License-Identifier: Apache-2.0
"""The HTTP session of all outbound calls: guard, timeouts, retries, bounds.

The one choke point: what leaves for a cloud or the peer leaves here.  It
does not know what the calls mean.
"""

from collections import defaultdict
from collections.abc import Callable
import dataclasses
import threading
from typing import Any, TypeVar

from keystoneauth1 import exceptions as ksa_errors
from keystoneauth1 import session as ksa_session
from oslo_log import log as logging
import requests
import tenacity

from protector import bounded_http, exception
from protector import clock as clock_module
from protector.clients import errors

LOG = logging.getLogger(__name__)

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
PASSING = frozenset({429, 502, 503, 504})
# a refusal with Retry-After came before anything happened
NOT_BEGUN = frozenset({429, 503})
PAUSE = 0.5
PAUSE_MAX = 8.0
# a front end that sends to another address; more go round in circles
REDIRECTS = 1
# services that share one host in small clouds
SERVICES = 6

R = TypeVar("R")


@dataclasses.dataclass(frozen=True)
class Limits:
    """Seconds, and how often a reading call is repeated.

    :ivar read: for the whole answer, from the moment it was asked for.
    """

    connect: float
    read: float
    retries: int


class Connections(bounded_http.Adapter, ksa_session.TCPKeepAliveAdapter):
    """Kept alive, with answers that end in time."""


class Site:
    """What all sessions to one site share: connections, bounds, versions."""

    def __init__(self, limits: Limits, concurrency: int) -> None:
        self.limits = limits
        self.connections = Connections(pool_maxsize=concurrency * SERVICES)
        self.discovery: dict[str, Any] = {}
        # highest microversion by service type
        self.microversions: dict[str, tuple[int, int]] = {}
        self._guard = threading.Lock()
        self._places: defaultdict[str, threading.BoundedSemaphore] = (
            defaultdict(lambda: threading.BoundedSemaphore(concurrency))
        )

    def place(self, service_type: str, seconds: float) -> "Place":
        """One of the places for calls to a service."""
        with self._guard:
            return Place(self._places[service_type], seconds)


class Place:
    """Being one of the calls under way to a service; can be re-entered.

    :param seconds: how long to wait for it.
    """

    def __init__(
        self, places: threading.BoundedSemaphore, seconds: float
    ) -> None:
        self._places = places
        self._seconds = seconds

    def __enter__(self) -> None:
        if not self._places.acquire(timeout=self._seconds):
            raise ksa_errors.ConnectTimeout(
                "Too many calls to the service are under way."
            )

    def __exit__(self, *error: object) -> None:
        self._places.release()


class Transport(requests.Session):
    """Asks ``before_change`` right before each changing request is sent.

    One per session; the connections are the site's.
    """

    def __init__(
        self,
        connections: requests.adapters.HTTPAdapter,
        before_change: Callable[[], None] | None,
    ) -> None:
        super().__init__()
        self._before_change = before_change
        for scheme in ("http://", "https://"):
            self.mount(scheme, connections)

    def request(  # type: ignore[override]
        self, method: str, url: str, **kwargs: Any
    ) -> requests.Response:
        if self._before_change is not None and _changes(method, url):
            self._before_change()
        return super().request(method, url, **kwargs)


def _changes(method: str, url: str) -> bool:
    """Whether a request changes something; signing in does not."""
    return method.upper() not in SAFE and not url.endswith("/auth/tokens")


class Session(ksa_session.Session):
    """A keystoneauth session for one operation and one scope.

    Refusals are raised as ``errors.Refused`` whatever library asked, so
    they are translated in one place.  Bodies are never logged: they hold
    user data and passwords.

    :param before_change: called before each request that is not GET, HEAD
        or OPTIONS, but not for signing in; may raise ``LeaseLost``.
    :param deadline: on the clock's monotonic scale; no call goes beyond.
    """

    def __init__(
        self,
        site: Site,
        auth: Any,
        verify: str | bool,
        clock: clock_module.Clock,
        request_id: str,
        before_change: Callable[[], None] | None = None,
        limits: Limits | None = None,
        deadline: float | None = None,
    ) -> None:
        super().__init__(
            auth=auth,
            session=Transport(site.connections, before_change),
            verify=verify,
            redirect=REDIRECTS,
            app_name="protector",
            additional_headers={"X-Openstack-Request-Id": request_id},
            discovery_cache=site.discovery,
        )
        self.site = site
        self.limits = limits or site.limits
        self._clock = clock
        self._deadline = deadline

    def request(  # type: ignore[override]
        self, url: str, method: str, **kwargs: Any
    ) -> requests.Response:
        """As keystoneauth's; a call to a service has ``endpoint_filter``."""
        kwargs["log"] = False
        if "endpoint_filter" not in kwargs:
            # keystoneauth's own: sign-in and discovery, inside another call
            return self._send(url, method, kwargs)
        kwargs["raise_exc"] = False
        if method.upper() in SAFE:
            return self.reading(self._once, url, method, kwargs)
        self.reading(self._prepare, url, kwargs)
        again = self._again(_not_begun)
        return again(self._once, url, method, kwargs)

    def reading(self, call: Callable[..., R], *args: Any) -> R:
        """Make a call that changes nothing, again if need be.

        Not longer than about two read timeouts in all.
        """
        return self._again(_passing)(call, *args)

    def _once(
        self, url: str, method: str, kwargs: dict[str, Any]
    ) -> requests.Response:
        # keystoneauth changes what it is given
        given = {**kwargs, "endpoint_filter": {**kwargs["endpoint_filter"]}}
        given["headers"] = dict(kwargs.get("headers") or {})
        begun = self._clock.monotonic()
        response = self._send(url, method, given)
        LOG.debug(
            "%(method)s %(url)s: %(status)s after %(seconds).3f s, %(id)s",
            {
                "method": method,
                "url": response.url.partition("?")[0],
                "status": response.status_code,
                "seconds": self._clock.monotonic() - begun,
                "id": response.headers.get("X-Openstack-Request-Id", "-"),
            },
        )
        if response.status_code >= 400:
            raise errors.Refused(response)
        if response.status_code >= 300:
            # where redirects end nothing was done
            raise errors.Broken(f"{response.url} redirects to nowhere")
        _must_be_json(response)
        return response

    def _send(
        self, url: str, method: str, kwargs: dict[str, Any]
    ) -> requests.Response:
        connect, read = self._timeout()
        target = kwargs.get("endpoint_filter") or {}
        service = target.get("service_type") or ""
        kwargs["timeout"] = (connect, read)
        kwargs["rate_semaphore"] = self.site.place(service, read)
        return super().request(url, method, **kwargs)

    def _prepare(self, url: str, kwargs: dict[str, Any]) -> None:
        """Sign in and find the endpoint, so that only sending is left."""
        if kwargs.get("authenticated", True):
            self.get_auth_headers(kwargs.get("auth"))
        if url.startswith("http") or kwargs.get("endpoint_override"):
            return
        self.get_endpoint(kwargs.get("auth"), **kwargs["endpoint_filter"])

    def _timeout(self) -> tuple[float, float]:
        connect, read = self.limits.connect, self.limits.read
        if self._deadline is not None:
            remaining = self._deadline - self._clock.monotonic()
            if remaining <= 0:
                raise ksa_errors.ConnectTimeout("The deadline has passed.")
            connect, read = min(connect, remaining), min(read, remaining)
        return connect, read

    def _again(
        self, retriable: Callable[[BaseException], bool]
    ) -> tenacity.Retrying:
        return tenacity.Retrying(
            retry=tenacity.retry_if_exception(retriable),
            wait=_pause,
            stop=tenacity.stop_any(
                tenacity.stop_after_attempt(self.limits.retries + 1),
                tenacity.stop_after_delay(self.limits.read),
                _asked_for_too_much,
            ),
            sleep=lambda s: self._clock.wait(threading.Event(), s),
            reraise=True,
        )


def _must_be_json(response: requests.Response) -> None:
    if response.content and response.status_code != 204:
        try:
            response.json()
        except ValueError as e:
            raise errors.Broken(
                f"{response.url} did not answer with JSON"
            ) from e


def _passing(error: BaseException) -> bool:
    """Whether a reading call may succeed when it is made again."""
    if isinstance(error, exception.ProtectorError):
        return False
    if isinstance(error, errors.Refused):
        return error.status in PASSING
    if isinstance(error, ksa_errors.HttpError):
        return error.http_status in PASSING
    return isinstance(
        error, (errors.Broken, ksa_errors.RetriableConnectionFailure)
    )


def _not_begun(error: BaseException) -> bool:
    """Whether a changing call was turned away before it began."""
    return (
        isinstance(error, errors.Refused)
        and error.status in NOT_BEGUN
        and error.retry_after is not None
    )


def _failure(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _pause(state: tenacity.RetryCallState) -> float:
    """Retry-After if there is one, else growing and random, in seconds."""
    asked = getattr(_failure(state), "retry_after", None)
    if asked:
        return float(asked)
    return tenacity.wait_random_exponential(PAUSE, PAUSE_MAX)(state)


def _asked_for_too_much(state: tenacity.RetryCallState) -> bool:
    """A pause longer than the caller should be kept waiting."""
    asked = getattr(_failure(state), "retry_after", None)
    return asked is not None and asked > PAUSE_MAX * 4
