# SPDX-License-Identifier: Apache-2.0
"""Connections to one or two sites, for the commands.

The first is OpenStackClient's own; the other one is opened by its name in
``clouds.yaml`` when it is needed. It must not decide what to do with answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from openstack import connection

from protectorclient import sdk
from protectorclient.osc import failures

T = TypeVar("T")

#: Seconds to connect or to wait for bytes, when there is another to ask.
_IMPATIENT = 20


@dataclass(frozen=True)
class Said:
    """What one cloud answered: a value, or why there is none."""

    cloud: str
    value: Any = None
    error: Exception | None = None


class Clouds:
    """The first cloud, and the second if one is named.

    :param app: the OpenStackClient shell
    :param independent: connect to the first cloud by ourselves, so that its
        being dead does not end the command before it began
    :param say: takes a line for the user
    """

    def __init__(
        self, app: Any, independent: bool, say: Callable[[str], None]
    ) -> None:
        self._app = app
        self._independent = independent
        self._say = say
        self._opened: dict[str, connection.Connection] = {}

    @property
    def first_name(self) -> str:
        """Name of the first cloud."""
        return self._app.options.cloud or "the first cloud"

    @property
    def second_name(self) -> str | None:
        """Name of the second cloud, if one is configured."""
        return getattr(self._app.options, "secondary_cloud", None) or None

    def first(self) -> connection.Connection:
        """Connection to the first cloud."""
        if self._independent:
            return self.open(self._app.options.cloud, self._app.options)
        conn = self._app.client_manager.sdk_connection
        sdk.load(conn)
        return conn

    def second(self) -> connection.Connection:
        """Connection to the second cloud.

        :raises failures.UsageError: none is configured
        """
        if not self.second_name:
            raise failures.UsageError(
                "name the other site with --secondary-cloud or "
                "OS_SECONDARY_CLOUD"
            )
        return self.open(self.second_name)

    def open(self, name: str, options: Any = None) -> connection.Connection:
        """Connection to a cloud of ``clouds.yaml``, opened once."""
        if name not in self._opened:
            region = self._app.cloud_config.get_one(
                cloud=name, argparse=options
            )
            region.config["api_timeout"] = (
                region.config.get("api_timeout") or _IMPATIENT
            )
            conn = connection.Connection(config=region)
            sdk.load(conn)
            self._opened[name] = conn
        return self._opened[name]

    def either(self, question: Callable[[Any], T]) -> T:
        """Ask the first cloud, and the second if the first is dead.

        :param question: takes the proxy
        """
        try:
            return question(self.first().protector)
        except Exception as error:
            if not self.second_name or not failures.is_outage(error):
                raise
            self._say(
                f"{self.first_name} does not answer; asking {self.second_name}"
            )
        return question(self.second().protector)

    def both(self, question: Callable[[Any], Any]) -> list[Said]:
        """Ask each cloud there is.

        :raises Exception: what the first said, if none answered
        """
        said = [self._said(self.first_name, self.first, question)]
        if self.second_name:
            name = self.second_name
            said.append(self._said(name, self.second, question))
        dead = [answer for answer in said if answer.error]
        if len(dead) == len(said):
            raise dead[0].error or RuntimeError("nobody answered")
        for answer in dead:
            self._say(f"{answer.cloud}: {failures.in_words(answer.error)}")
        return said

    def _said(
        self,
        name: str,
        connect: Callable[[], connection.Connection],
        question: Callable[[Any], Any],
    ) -> Said:
        try:
            return Said(name, question(connect().protector))
        except Exception as error:
            if not self.second_name:
                raise
            return Said(name, error=error)

    def close(self) -> None:
        """Close what was opened here."""
        for conn in self._opened.values():
            conn.close()
        self._opened.clear()
