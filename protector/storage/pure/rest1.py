# SPDX-License-Identifier: Apache-2.0
"""REST 1.x through the ``purestorage`` SDK: calls, units and shapes.

A thin translation in both directions; it decides nothing.  GET by name
refuses replicated volume snapshots (FlashArray-Collection PR 436), so those
are listed and filtered here.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
import contextlib
import datetime
import json
from typing import Any

from oslo_log import log as logging
import purestorage
from purestorage import purestorage as sdk_module
import requests

from protector import bounded_http, exception
from protector.storage import base
from protector.storage.pure import adapter, refusals, shapes1, trust

LOG = logging.getLogger(__name__)

_SO_ALREADY = {True: "already allowed", False: "already disallowed"}


def speaks(offered: Iterable[str]) -> bool:
    """Whether the SDK knows one of the REST versions."""
    known = purestorage.FlashArray.supported_rest_versions
    return any(version in known for version in offered)


class _Session(purestorage.FlashArray):
    """Asks once more before the SDK repeats a change after a new login, and
    keeps the connection: the SDK opens one for each request, and what TLS
    costs then is most of what both ends do.  Its answers end in time."""

    before_repeat: Callable[[], None] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._wire = bounded_http.session()
        super().__init__(*args, **kwargs)

    def _request(
        self,
        method: str,
        path: str,
        data: Any = None,
        reestablish_session: bool = True,
    ) -> Any:
        """The SDK's, of version 1.19, but for the connection; the cookie of
        the session is the connection's, too."""
        outer = path.startswith("http")
        try:
            answer = self._wire.request(
                method,
                path if outer else self._format_path(path),
                data=json.dumps(data).encode(),
                headers={"Content-Type": "application/json"},
                # followed, a change becomes a reading
                allow_redirects=False,
                **self._request_kwargs,
            )
        except requests.exceptions.RequestException as error:
            raise purestorage.PureError(error) from None
        if answer.status_code == 401 and reestablish_session:
            self._start_session()
            return self._request(method, path, data, False)
        if answer.status_code == 450 and self._renegotiate_rest_version:
            before, self._rest_version = (
                self._rest_version,
                self._choose_rest_version(),
            )
            if before != self._rest_version:
                return self._request(method, path, data, reestablish_session)
        if answer.status_code != 200:
            raise purestorage.PureHTTPError(
                self._target, str(self._rest_version), answer
            )
        if "application/json" not in answer.headers.get("Content-Type", ""):
            raise purestorage.PureError(f"Not in JSON: {answer.text}")
        found = answer.json()
        kinds = {
            list: sdk_module.ResponseList,
            dict: sdk_module.ResponseDict,
        }
        content = kinds[type(found)](found)
        content.headers = answer.headers
        return content

    def _start_session(self) -> None:
        super()._start_session()
        if self.before_repeat is not None:
            self.before_repeat()


class Rest1:
    """One array for one thread, see ``adapter.Adapter``."""

    def __init__(
        self,
        array: base.Array,
        timeout: tuple[float, float],
        before_change: Callable[[], None],
    ) -> None:
        self._array = array
        self._timeout = timeout
        self._before_change = before_change
        self._session: _Session | None = None

    def identity(self) -> adapter.Identity:
        with self._asking() as sdk:
            return shapes1.identity(sdk.get(), sdk.get_rest_version())

    def space(self) -> base.Space:
        with self._asking() as sdk:
            return shapes1.space(sdk.get(space=True))

    def link(self, array: str) -> str | None:
        return self.links().get(array)

    def links(self) -> dict[str, str]:
        with self._asking() as sdk:
            return shapes1.links(sdk.list_array_connections())

    # -- volumes

    def volume(self, name: str) -> adapter.Volume | None:
        with contextlib.suppress(exception.ArrayNotFound):
            with self._asking() as sdk:
                return shapes1.volume(sdk.get_volume(name, pending=True))
        return None

    def volumes(self, prefix: str) -> list[adapter.Volume]:
        with self._asking() as sdk:
            return [
                shapes1.volume(row)
                for row in sdk.list_volumes(pending=True)
                if row["name"].startswith(prefix)
            ]

    def hosts(self, volume: str) -> list[str]:
        with self._asking() as sdk:
            private = sdk.list_volume_private_connections(volume)
            shared = sdk.list_volume_shared_connections(volume)
            return sorted(
                {row["host"] for row in private}
                | {row.get("host") or row["hgroup"] for row in shared}
            )

    def copy_volume(self, source: str, target: str) -> None:
        with self._changing(f"copy {source} to {target}") as sdk:
            sdk.copy_volume(source, target, overwrite=True)

    def extend_volume(self, name: str, size: int) -> None:
        with self._changing(f"extend {name} to {size} bytes") as sdk:
            sdk.extend_volume(name, size)

    def recover_volume(self, name: str) -> None:
        with self._changing(f"recover {name}") as sdk:
            sdk.recover_volume(name)

    def destroy_volume(self, name: str) -> None:
        with self._changing(f"destroy {name}") as sdk:
            sdk.destroy_volume(name)

    def eradicate_volume(self, name: str) -> None:
        with self._changing(f"eradicate {name}") as sdk:
            sdk.eradicate_volume(name)

    # -- groups

    def group(self, name: str) -> adapter.Group | None:
        with contextlib.suppress(exception.ArrayNotFound):
            with self._asking() as sdk:
                return shapes1.group(sdk.get_pgroup(name, pending=True))
        return None

    def settings(self, group: str) -> adapter.Settings:
        with self._asking() as sdk:
            return shapes1.settings(
                sdk.get_pgroup(group, schedule=True),
                sdk.get_pgroup(group, retention=True),
            )

    def groups(self) -> dict[str, adapter.Group]:
        with self._asking() as sdk:
            rows = sdk.list_pgroups(pending=True)
            return {row["name"]: shapes1.group(row) for row in rows}

    def all_settings(self) -> dict[str, adapter.Settings]:
        with self._asking() as sdk:
            rows = sdk.list_pgroups(schedule=True)
            kept = sdk.list_pgroups(retention=True)
            retentions = {row["name"]: row for row in kept}
            return {
                row["name"]: shapes1.settings(row, retentions[row["name"]])
                for row in rows
                # one that was made between the two answers
                if row["name"] in retentions
            }

    def create_group(self, name: str) -> None:
        with self._changing(f"create group {name}") as sdk:
            sdk.create_pgroup(name)

    def recover_group(self, name: str) -> None:
        with self._changing(f"recover group {name}") as sdk:
            sdk.recover_pgroup(name)

    def destroy_group(self, name: str) -> None:
        with self._changing(f"destroy group {name}") as sdk:
            sdk.destroy_pgroup(name)

    def eradicate_group(self, name: str) -> None:
        with self._changing(f"eradicate group {name}") as sdk:
            sdk.eradicate_pgroup(name)

    def add_volumes(self, group: str, volumes: Sequence[str]) -> None:
        self._set(group, addvollist=list(volumes))

    def remove_volumes(self, group: str, volumes: Sequence[str]) -> None:
        self._set(group, remvollist=list(volumes))

    def add_target(self, group: str, array: str) -> None:
        self._set(group, addtargetlist=[array])

    def remove_target(self, group: str, array: str) -> None:
        self._set(group, remtargetlist=[array])

    def set_allowed(self, group: str, allowed: bool) -> None:
        try:
            self._set(group, allowed=allowed)
        except exception.ArrayError as error:
            if _SO_ALREADY[allowed] not in error.message:
                raise

    def set_enabled(self, group: str, enabled: bool) -> None:
        self._set(group, replicate_enabled=enabled)

    def set_interval(self, group: str, seconds: int) -> None:
        self._set(group, replicate_frequency=seconds)

    def set_source_retention(
        self, group: str, keep: adapter.Retention
    ) -> None:
        self._set(
            group,
            all_for=keep.all_for,
            per_day=keep.per_day,
            days=keep.days,
        )

    def set_target_retention(
        self, group: str, keep: adapter.Retention
    ) -> None:
        self._set(
            group,
            target_all_for=keep.all_for,
            target_per_day=keep.per_day,
            target_days=keep.days,
        )

    def set_snapping(self, group: str, enabled: bool) -> None:
        self._set(group, snap_enabled=enabled)

    def set_snap_interval(self, group: str, seconds: int) -> None:
        self._set(group, snap_frequency=seconds)

    # -- pods

    def pods(self) -> dict[str, adapter.Pod]:
        with self._asking() as sdk:
            rows = sdk.list_pods(pending=True)
            return {row["name"]: shapes1.pod(row) for row in rows}

    # -- group snapshots

    def group_snapshots(self, group: str) -> dict[str, bool]:
        with self._asking() as sdk:
            rows = sdk.get_pgroup(group, snap=True, pending=True)
            return {row["name"]: shapes1.destroyed(row) for row in rows}

    def snapshot_times(self, group: str) -> dict[str, datetime.datetime]:
        with self._asking() as sdk:
            rows = sdk.get_pgroup(group, snap=True)
            return {row["name"]: shapes1.created(row) for row in rows}

    def all_snapshot_times(self) -> dict[str, datetime.datetime]:
        with self._asking() as sdk:
            rows = sdk.list_pgroups(snap=True)
            return {row["name"]: shapes1.created(row) for row in rows}

    def snapshot_group(
        self, group: str, suffix: str, replicate: bool, ages: bool
    ) -> None:
        options: dict[str, Any] = {"suffix": suffix}
        if ages:
            options["apply_retention"] = True
        if replicate:
            options["replicate_now"] = True
        with self._changing(f"snapshot {group}.{suffix}") as sdk:
            sdk.create_pgroup_snapshot(group, **options)

    def send_snapshot(self, name: str) -> None:
        with self._changing(f"send {name}") as sdk:
            sdk.send_pgroup_snapshot(name)

    def destroy_snapshot(self, name: str) -> None:
        self.destroy_group(name)

    def eradicate_snapshot(self, name: str) -> None:
        self.eradicate_group(name)

    def transfers(self, group: str) -> list[adapter.Transfer]:
        with contextlib.suppress(exception.ArrayNotFound):
            with self._asking() as sdk:
                return _transfers(
                    sdk.get_pgroup(group, snap=True, transfer=True)
                )
        return []

    def all_transfers(self) -> list[adapter.Transfer]:
        with self._asking() as sdk:
            rows = sdk.list_pgroups(snap=True, transfer=True)
            # what was not replicated to here was not transferred
            return _transfers(
                r for r in rows if ":" in r["name"].replace("::", "")
            )

    def members(self, group: str) -> list[str]:
        return [n for n in self.all_members() if n.startswith(f"{group}.")]

    def all_members(self) -> list[str]:
        with self._asking() as sdk:
            return [row["name"] for row in sdk.list_volumes(snap=True)]

    # -- the wire

    def _set(self, group: str, **values: Any) -> None:
        with self._changing(f"set {values} on {group}") as sdk:
            sdk.set_pgroup(group, **values)

    @contextlib.contextmanager
    def _changing(self, what: str) -> Iterator[purestorage.FlashArray]:
        """As ``_asking``, for one request that changes the array.

        The login comes before the question whether it may be sent, so that
        nothing but the request itself comes after.
        """
        with self._translated():
            sdk = self._opened()
        self._before_change()
        LOG.info("Array %s: %s", self._array.name, what)
        sdk.before_repeat = self._before_change
        try:
            with self._translated():
                yield sdk
        finally:
            sdk.before_repeat = None

    @contextlib.contextmanager
    def _asking(self) -> Iterator[purestorage.FlashArray]:
        """The SDK's object, logged in; its failures become ours."""
        with self._translated():
            yield self._opened()

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        with trust.translated(self._array):
            try:
                yield
            except purestorage.PureError as error:
                raise refusals.translate(self._array, error) from None

    def _opened(self) -> _Session:
        if not self._array.api_token:
            raise exception.ArrayError(
                f"There is no API token for array {self._array.name}.",
                remedy=f"Set api_token in [{self._array.name}].",
            )
        if self._session is None:
            self._session = _Session(
                self._array.management_address,
                api_token=self._array.api_token,
                request_kwargs={
                    "timeout": self._timeout,
                    "verify": trust.verify(self._array),
                },
            )
        return self._session


def _transfers(rows: Iterable[Any]) -> list[adapter.Transfer]:
    return [
        shapes1.transfer(row) for row in rows if not shapes1.destroyed(row)
    ]
