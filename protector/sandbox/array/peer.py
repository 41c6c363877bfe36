# SPDX-License-Identifier: Apache-2.0
"""The HTTPS client of one array towards another.

It knows how to ask and to tell "unreachable" from "refused"; what is asked is
its callers' business. The peer's certificate is verified by the authority
that was exchanged when the arrays were connected.
"""

import hashlib
import hmac
import json
import pathlib
from typing import Any
import warnings

import requests
from urllib3.exceptions import InsecureRequestWarning

_CONNECT = 2.0
_ANSWER = 10.0
ID_HEADER = "X-Array-Id"
NAME_HEADER = "X-Array-Name"
SECRET_HEADER = "X-Array-Secret"


class PeerUnreachable(Exception):
    """The other array does not answer, or the link is cut."""


class PeerRefused(Exception):
    """The other array answered with an error."""

    def __init__(self, status: int, msg: str) -> None:
        super().__init__(msg)
        self.status = status
        self.msg = msg


class Peer:
    """A keep-alive session with one array; not to be shared by threads."""

    def __init__(
        self, url: str, caller: tuple[str, str], secret: str, ca: pathlib.Path
    ) -> None:
        """``url``: the peer's; ``caller``: id and name of the calling array,
        whose name may have changed."""
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = str(ca)
        self._session.headers[ID_HEADER] = caller[0]
        self._session.headers[NAME_HEADER] = caller[1]
        self._session.headers[SECRET_HEADER] = secret

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        data: bytes | None = None,
        query: dict[str, Any] | None = None,
        patience: float = _ANSWER,
    ) -> dict[str, Any]:
        """Return the JSON answer; ``patience`` in seconds.

        Raises ``PeerUnreachable`` or ``PeerRefused``.
        """
        try:
            response = self._session.request(
                method,
                f"{self._url}/replication/{path}",
                json=body,
                data=data,
                params=query,
                timeout=(_CONNECT, patience),
            )
        except requests.RequestException as error:
            raise PeerUnreachable(self._url) from error
        return _answer(response)

    def close(self) -> None:
        """Close the session."""
        self._session.close()


def introduce(url: str, body: dict[str, Any], key: str) -> dict[str, Any]:
    """Ask an array to be connected; return what it tells of itself.

    Neither side knows the other's certificate yet, so this one call is not
    verified by TLS. It is verified by the connection key: both bodies carry
    a message code made with it, the key itself does not travel, and the
    authorities to trust from then on are in the bodies.
    Raises ``PeerUnreachable`` or ``PeerRefused``.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InsecureRequestWarning)
        try:
            response = requests.post(
                f"{url}/replication/connect",
                json=sealed(body, key),
                timeout=(_CONNECT, _ANSWER),
                proxies={"https": "", "http": ""},
                verify=False,  # noqa: S501
            )
        except requests.RequestException as error:
            raise PeerUnreachable(url) from error
    return opened(_answer(response), key)


def sealed(body: dict[str, Any], key: str) -> dict[str, Any]:
    """Return ``body`` with a message code made with ``key``."""
    return {"body": body, "mac": _mac(json.dumps(body, sort_keys=True), key)}


def opened(message: dict[str, Any], key: str) -> dict[str, Any]:
    """Return a sealed body. Raises ``PeerRefused`` if the key differs."""
    body = message.get("body")
    mac = str(message.get("mac"))
    expected = _mac(json.dumps(body, sort_keys=True), key)
    if not isinstance(body, dict) or not hmac.compare_digest(mac, expected):
        raise PeerRefused(400, "Invalid connection key.")
    return body


def link_secret(nonces: tuple[str, str], key: str) -> str:
    """Return the secret of a link, made of both sides' nonces."""
    return _mac("|".join(nonces), key)


def _mac(text: str, key: str) -> str:
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


def _answer(response: requests.Response) -> dict[str, Any]:
    try:
        content = response.json()
    except ValueError as error:
        raise PeerUnreachable(response.url) from error
    if response.status_code == 200:
        return content
    if response.status_code >= 500:
        raise PeerUnreachable(response.url)
    raise PeerRefused(response.status_code, content[0]["msg"])
