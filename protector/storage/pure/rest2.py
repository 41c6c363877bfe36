# SPDX-License-Identifier: Apache-2.0
"""REST 2.x through the ``py-pure-client`` SDK: calls, units and shapes.

A thin translation in both directions; it decides nothing.
"""

from collections.abc import Callable, Sequence
import contextlib
import datetime
from typing import Any

from protector import exception
from protector.storage import base
from protector.storage.pure import adapter, session2, shapes2

_SO_ALREADY = {True: "already allowed", False: "already disallowed"}


class Rest2:
    """One array for one thread, see ``adapter.Adapter``.

    :param version: of REST, as ``session2.best`` tells it.
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
        self._wire = session2.Session2(array, version, timeout, before_change)

    def identity(self) -> adapter.Identity:
        return self._wire.read(
            lambda sdk: sdk.get_arrays(),
            lambda rows: shapes2.identity(rows, self._version),
        )

    def space(self) -> base.Space:
        return self._wire.read(
            lambda sdk: sdk.get_arrays_space(), shapes2.space
        )

    def link(self, array: str) -> str | None:
        return self.links().get(array)

    def links(self) -> dict[str, str]:
        return self._wire.read(
            lambda sdk: sdk.get_array_connections(), shapes2.links
        )

    # -- volumes

    def volume(self, name: str) -> adapter.Volume | None:
        with contextlib.suppress(exception.ArrayNotFound):
            return self._wire.read(
                lambda sdk: sdk.get_volumes(names=[name]),
                lambda rows: shapes2.volume(shapes2.one(rows)),
            )
        return None

    def volumes(self, prefix: str) -> list[adapter.Volume]:
        return self._wire.read(
            lambda sdk: sdk.get_volumes(filter=f"name='{prefix}*'"),
            lambda rows: [shapes2.volume(row) for row in rows],
        )

    def hosts(self, volume: str) -> list[str]:
        return self._wire.read(
            lambda sdk: sdk.get_connections(volume_names=[volume]),
            lambda rows: sorted({shapes2.holder(row) for row in rows}),
        )

    def copy_volume(self, source: str, target: str) -> None:
        self._wire.change(
            f"copy {source} to {target}",
            lambda sdk: sdk.post_volumes(
                names=[target],
                volume={"source": {"name": source}},
                overwrite=True,
            ),
        )

    def extend_volume(self, name: str, size: int) -> None:
        self._patch_volume(name, {"provisioned": size})

    def recover_volume(self, name: str) -> None:
        self._patch_volume(name, {"destroyed": False})

    def destroy_volume(self, name: str) -> None:
        self._patch_volume(name, {"destroyed": True})

    def eradicate_volume(self, name: str) -> None:
        self._wire.remove(
            f"eradicate {name}", lambda sdk: sdk.delete_volumes(names=[name])
        )

    # -- groups

    def group(self, name: str) -> adapter.Group | None:
        with contextlib.suppress(exception.ArrayNotFound):
            row = self._wire.read(_named_group(name), shapes2.one)
            volumes = self._wire.read(
                lambda sdk: sdk.get_protection_groups_volumes(
                    group_names=[name]
                ),
                list,
            )
            return self._wire.read(
                lambda sdk: sdk.get_protection_groups_targets(
                    group_names=[name]
                ),
                lambda targets: shapes2.group(row, volumes, targets),
            )
        return None

    def groups(self) -> dict[str, adapter.Group]:
        rows = self._wire.read(lambda sdk: sdk.get_protection_groups(), list)
        volumes = self._wire.read(
            lambda sdk: sdk.get_protection_groups_volumes(),
            shapes2.by_group,
        )
        targets = self._wire.read(
            lambda sdk: sdk.get_protection_groups_targets(),
            shapes2.by_group,
        )
        return {
            row.name: shapes2.group(
                row, volumes.get(row.name, ()), targets.get(row.name, ())
            )
            for row in rows
        }

    def all_settings(self) -> dict[str, adapter.Settings]:
        return self._wire.read(
            lambda sdk: sdk.get_protection_groups(),
            lambda rows: {row.name: shapes2.settings(row) for row in rows},
        )

    def settings(self, group: str) -> adapter.Settings:
        return self._wire.read(
            _named_group(group),
            lambda rows: shapes2.settings(shapes2.one(rows)),
        )

    def create_group(self, name: str) -> None:
        self._wire.change(
            f"create group {name}",
            lambda sdk: sdk.post_protection_groups(names=[name]),
        )

    def recover_group(self, name: str) -> None:
        self._patch_group(name, {"destroyed": False})

    def destroy_group(self, name: str) -> None:
        self._patch_group(name, {"destroyed": True})

    def eradicate_group(self, name: str) -> None:
        self._wire.remove(
            f"eradicate group {name}",
            lambda sdk: sdk.delete_protection_groups(names=[name]),
        )

    def add_volumes(self, group: str, volumes: Sequence[str]) -> None:
        self._wire.change(
            f"add {volumes} to {group}",
            lambda sdk: sdk.post_protection_groups_volumes(
                group_names=[group], member_names=list(volumes)
            ),
        )

    def remove_volumes(self, group: str, volumes: Sequence[str]) -> None:
        self._wire.remove(
            f"remove {volumes} from {group}",
            lambda sdk: sdk.delete_protection_groups_volumes(
                group_names=[group], member_names=list(volumes)
            ),
        )

    def add_target(self, group: str, array: str) -> None:
        self._wire.change(
            f"add target {array} to {group}",
            lambda sdk: sdk.post_protection_groups_targets(
                group_names=[group], member_names=[array]
            ),
        )

    def remove_target(self, group: str, array: str) -> None:
        self._wire.remove(
            f"remove target {array} from {group}",
            lambda sdk: sdk.delete_protection_groups_targets(
                group_names=[group], member_names=[array]
            ),
        )

    def set_allowed(self, group: str, allowed: bool) -> None:
        try:
            self._wire.change(
                f"set allowed {allowed} on {group}",
                lambda sdk: sdk.patch_protection_groups_targets(
                    group_names=[group], target={"allowed": allowed}
                ),
            )
        except exception.ArrayError as error:
            if _SO_ALREADY[allowed] not in error.message:
                raise

    def set_enabled(self, group: str, enabled: bool) -> None:
        self._patch_group(
            group, {"replication_schedule": {"enabled": enabled}}
        )

    def set_interval(self, group: str, seconds: int) -> None:
        milliseconds = seconds * 1000
        self._patch_group(
            group, {"replication_schedule": {"frequency": milliseconds}}
        )

    def set_source_retention(
        self, group: str, keep: adapter.Retention
    ) -> None:
        self._patch_group(group, {"source_retention": _kept(keep)})

    def set_target_retention(
        self, group: str, keep: adapter.Retention
    ) -> None:
        self._patch_group(group, {"target_retention": _kept(keep)})

    def set_snapping(self, group: str, enabled: bool) -> None:
        self._patch_group(group, {"snapshot_schedule": {"enabled": enabled}})

    def set_snap_interval(self, group: str, seconds: int) -> None:
        milliseconds = seconds * 1000
        self._patch_group(
            group, {"snapshot_schedule": {"frequency": milliseconds}}
        )

    # -- pods

    def pods(self) -> dict[str, adapter.Pod]:
        return self._wire.read(
            lambda sdk: sdk.get_pods(),
            lambda rows: {row.name: shapes2.pod(row) for row in rows},
        )

    # -- group snapshots

    def group_snapshots(self, group: str) -> dict[str, bool]:
        return self._wire.read(
            lambda sdk: sdk.get_protection_group_snapshots(
                source_names=[group]
            ),
            lambda rows: {row.name: bool(row.destroyed) for row in rows},
        )

    def snapshot_times(self, group: str) -> dict[str, datetime.datetime]:
        return self._wire.read(
            lambda sdk: sdk.get_protection_group_snapshots(
                source_names=[group], destroyed=False
            ),
            lambda rows: {row.name: shapes2.created(row) for row in rows},
        )

    def all_snapshot_times(self) -> dict[str, datetime.datetime]:
        return self._wire.read(
            lambda sdk: sdk.get_protection_group_snapshots(destroyed=False),
            lambda rows: {row.name: shapes2.created(row) for row in rows},
        )

    def snapshot_group(
        self, group: str, suffix: str, replicate: bool, ages: bool
    ) -> None:
        options: dict[str, Any] = {}
        if ages:
            options["apply_retention"] = True
        if replicate:
            options["replicate_now"] = True
        self._wire.change(
            f"snapshot {group}.{suffix}",
            lambda sdk: sdk.post_protection_group_snapshots(
                source_names=[group],
                protection_group_snapshot={"suffix": suffix},
                **options,
            ),
        )

    def send_snapshot(self, name: str) -> None:
        """What is on its way already goes on; REST 2.x cannot send what was
        taken without, or was given up.

        :raises ArrayError: it is not on its way.
        """
        sent = self._transfers(name, lambda rows: [r.name for r in rows])
        if name not in sent:
            raise exception.ArrayError(
                f"Array {self._array.name}: {name} was not replicated when "
                "it was taken, and REST 2.x cannot send it later.",
                remedy="Try the operation again: it takes another snapshot.",
            )

    def destroy_snapshot(self, name: str) -> None:
        self._wire.change(
            f"destroy {name}",
            lambda sdk: sdk.patch_protection_group_snapshots(
                names=[name], protection_group_snapshot={"destroyed": True}
            ),
        )

    def eradicate_snapshot(self, name: str) -> None:
        self._wire.remove(
            f"eradicate {name}",
            lambda sdk: sdk.delete_protection_group_snapshots(names=[name]),
        )

    def transfers(self, group: str) -> list[adapter.Transfer]:
        with contextlib.suppress(exception.ArrayNotFound):
            made = self.snapshot_times(group)
            return self._transfers(
                group,
                lambda rows: [
                    shapes2.transfer(row, made[row.name])
                    for row in rows
                    if row.name in made
                ],
            )
        return []

    def all_transfers(self) -> list[adapter.Transfer]:
        made = self.all_snapshot_times()
        return self._wire.read(
            lambda sdk: sdk.get_protection_group_snapshots_transfer(
                destroyed=False
            ),
            lambda rows: [
                shapes2.transfer(row, made[row.name])
                for row in rows
                if row.name in made
            ],
        )

    def all_members(self) -> list[str]:
        return self._wire.read(
            lambda sdk: sdk.get_volume_snapshots(destroyed=False),
            lambda rows: [row.name for row in rows],
        )

    def members(self, group: str) -> list[str]:
        return self._wire.read(
            lambda sdk: sdk.get_volume_snapshots(
                filter=f"name='{group}.*'", destroyed=False
            ),
            lambda rows: [row.name for row in rows],
        )

    def _transfers(self, name: str, shape: Callable[[Any], Any]) -> Any:
        """What ``shape`` makes of those of a group or of one snapshot that
        are not destroyed."""
        return self._wire.read(
            lambda sdk: sdk.get_protection_group_snapshots_transfer(
                names=[name], destroyed=False
            ),
            shape,
        )

    def _patch_volume(self, name: str, values: dict[str, Any]) -> None:
        self._wire.change(
            f"set {values} on {name}",
            lambda sdk: sdk.patch_volumes(names=[name], volume=values),
        )

    def _patch_group(self, name: str, values: dict[str, Any]) -> None:
        self._wire.change(
            f"set {values} on group {name}",
            lambda sdk: sdk.patch_protection_groups(
                names=[name], protection_group=values
            ),
        )


def _named_group(name: str) -> Callable[[Any], Any]:
    return lambda sdk: sdk.get_protection_groups(names=[name])


def _kept(keep: adapter.Retention) -> dict[str, int]:
    return {
        "all_for_sec": keep.all_for,
        "per_day": keep.per_day,
        "days": keep.days,
    }
