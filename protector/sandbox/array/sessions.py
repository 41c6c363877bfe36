# SPDX-License-Identifier: Apache-2.0
"""Who is logged in at an array, by cookie or by header."""

import secrets
import threading
import time

from protector.sandbox.array import errors

_IDLE = 1800.0


class Sessions:
    """The logged-in sessions; they are gone when the process is."""

    def __init__(self, token: str, credentials: tuple[str, str]) -> None:
        self._token = token
        self._credentials = credentials
        self._lock = threading.Lock()
        self._seen: dict[str, float] = {}

    def token(self, username: str | None, password: str | None) -> str:
        """Return the API token for a login. Raises ``ArrayError``."""
        if (username, password) != self._credentials:
            raise errors.ArrayError("Invalid credentials.", username)
        return self._token

    def start(self, token: str | None) -> str:
        """Return a new session's key. Raises ``Unauthorized``."""
        if not secrets.compare_digest(token or "", self._token):
            raise errors.Unauthorized("Invalid API token.")
        key = secrets.token_urlsafe(24)
        with self._lock:
            self._seen[key] = time.monotonic()
        return key

    def check(self, key: str | None) -> str:
        """Return the key of a session. Raises ``Unauthorized``."""
        now = time.monotonic()
        with self._lock:
            seen = self._seen.get(key or "", -_IDLE)
            if now - seen >= _IDLE:
                raise errors.Unauthorized("There is no session.")
            self._seen[key or ""] = now
        return key or ""

    def end(self, key: str) -> None:
        """Forget a session."""
        with self._lock:
            self._seen.pop(key, None)
