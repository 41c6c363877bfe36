# SPDX-License-Identifier: Apache-2.0
"""Call a FlashArray over REST 1.x: one SDK session for each thread.

Translates every failure into ``DriverError``.  What to call, and when, is
the driver's.
"""

import collections.abc
import threading
import typing
import urllib.parse

import purestorage
import requests

from protector.sandbox.cloud import context

CONNECT_SECONDS = 3.05
READ_SECONDS = 30.0
_NO_PROXY = {"http": "", "https": ""}
"""Arrays are on loopback: the environment's proxy is not for them."""


class DriverError(Exception):
    """The array refused, or did not answer."""


class ArrayClient:
    """One array.  Safe to use from several threads.

    :param array: its address and API token.
    """

    def __init__(self, array: context.Array) -> None:
        self._array = array
        self._local = threading.local()
        self._timeout = (CONNECT_SECONDS, READ_SECONDS)
        self._verify: str | bool = array.ca or True

    def call(
        self,
        method: str,
        *args: typing.Any,
        ignore: collections.abc.Iterable[str] = (),
        **kwargs: typing.Any,
    ) -> typing.Any:
        """Call a method of ``purestorage.FlashArray``.

        :param ignore: texts; a refusal with one of them in it is no error
            and returns None.
        :raises DriverError: refused, or no answer in time.
        """
        try:
            return getattr(self._session(), method)(*args, **kwargs)
        except purestorage.PureHTTPError as error:
            if any(text in error.text for text in ignore):
                return None
            raise DriverError(f"{method}: {error.text}") from error
        except purestorage.PureError as error:
            self._local.session = None
            raise DriverError(f"{method}: {error.reason}") from error

    def write(self, volume: str, host: str, offset: int, data: bytes) -> None:
        """Write bytes to a volume as a connected host.

        :param offset: bytes from the volume's start.
        :raises DriverError: refused, or no answer in time.
        """
        self.data("PUT", volume, data, host=host, offset=offset)

    def data(
        self,
        method: str,
        volume: str,
        body: bytes | None = None,
        **query: typing.Any,
    ) -> requests.Response:
        """Use the array's data path (``/control/volumes/<name>/data``).

        :raises DriverError: refused, or no answer in time.
        """
        name = urllib.parse.quote(volume, safe="")
        url = f"{self._array.url}/control/volumes/{name}/data"
        try:
            answer = requests.request(
                method,
                url,
                params={k: v for k, v in query.items() if v is not None},
                data=body,
                headers={"Content-Type": "application/octet-stream"},
                timeout=self._timeout,
                verify=self._verify,
                proxies=_NO_PROXY,
            )
        except requests.RequestException as error:
            raise DriverError(f"array data path: {error}") from error
        if answer.status_code >= 400:
            raise DriverError(
                f"array data path: {answer.status_code} {answer.text[:200]}"
            )
        return answer

    def _session(self) -> purestorage.FlashArray:
        session = getattr(self._local, "session", None)
        if session is None:
            session = purestorage.FlashArray(
                urllib.parse.urlsplit(self._array.url).netloc,
                api_token=self._array.token,
                request_kwargs={
                    "timeout": self._timeout,
                    "verify": self._verify,
                    "proxies": _NO_PROXY,
                },
            )
            self._local.session = session
        return session
