# SPDX-License-Identifier: Apache-2.0
"""Tell the emulated cloud the time, always UTC."""

import datetime


class Clock:
    """The system's clock, in the forms the APIs print."""

    def now(self) -> datetime.datetime:
        """Return the time, aware, UTC."""
        return datetime.datetime.now(datetime.UTC)

    def seconds(self) -> float:
        """Return seconds since 1970."""
        return self.now().timestamp()

    def zulu(self) -> str:
        """``2026-11-24T01:56:21Z`` (Nova, Neutron, Glance)."""
        return self.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def micro(self) -> str:
        """``2026-11-24T01:56:21.000000`` (Cinder, without a zone)."""
        return self.now().strftime("%Y-%m-%dT%H:%M:%S.%f")
