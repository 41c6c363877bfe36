# SPDX-License-Identifier: Apache-2.0
"""Any number of independent things are broken at once: preflight names each,
and after each was mended as its ``fix`` says, none is left."""

from collections.abc import Callable
import dataclasses
from typing import Any

import hypothesis
from hypothesis import strategies as st

from protector import constants as c
from protector import exception
from protector.clients import types
from protector.db.api import metadata_sync
from protector.engine import preflight
from protector.tests.unit.engine import fake_project as fake
from protector.tests.unit.engine import fake_scene
from protector.tests.unit.engine.preflight import preflight_case

PROFILE = hypothesis.settings(
    max_examples=60,
    deadline=None,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
Deed = Callable[["ManyTest"], object]


@dataclasses.dataclass(frozen=True)
class Break:
    """:param fix: words of the fix; ``mend`` does what they say."""

    code: str
    fix: str
    break_: Deed
    mend: Deed


def _set(path: str, broken: Any, mended: Any) -> tuple[Deed, Deed]:
    """Set an attribute, named from the test case."""
    *way, name = path.split(".")

    def put(value: Any) -> Deed:
        def deed(test: "ManyTest") -> None:
            place: Any = test
            for step in way:
                place = getattr(place, step)
            setattr(place, name, value)

        return deed

    return put(broken), put(mended)


def _status(**values: Any) -> tuple[Deed, Deed]:
    """Something that the arrays tell."""

    def put(given: Any) -> Deed:
        def deed(test: "ManyTest") -> None:
            test.ctx.told = dataclasses.replace(test.ctx.told, **given)

        return deed

    well = {k: getattr(preflight_case.WELL, k) for k in values}
    return put(values), put(well)


def _server(status: str) -> Deed:
    row = fake.server("s-web", status=status)
    return lambda test: test.source.compute.servers.update({"s-web": row})


def _recipe(**values: Any) -> Deed:
    def deed(test: "ManyTest") -> None:
        web = test.members[0]
        web.recipe = {**web.recipe, **values}

    return deed


def _port() -> dict[str, Any]:
    return {
        "network_id": "n9",
        "network_name": "net-web",
        "mac_address": "fa:16:3e:00:00:02",
    }


def _sync(status: str) -> Deed:
    return lambda test: test.scene(sync=metadata_sync.State(status, 3, 2, 1))


def _split(status: bool) -> Deed:
    found = {c.Condition.SPLIT: {"status": status, "message": "1 and 2"}}
    return lambda test: setattr(test.ctx.scene.group, "conditions", found)


def _hosts(number: int) -> Deed:
    room = {"VCPU": 64, "MEMORY_MB": 65536}
    hosts = {f"host{n}": room for n in range(number)}
    return lambda test: setattr(test.target.placement, "hosts", hosts)


def _quota(number: int) -> Deed:
    row = types.Quota("volumes", number, 0, 0)
    return lambda test: setattr(test.target.volume, "limits", [row])


BREAKS = (
    Break(
        "PeerUnreachable",
        "protector-api",
        *_set("ctx.peer.error", exception.PeerUnreachable("away"), None),
    ),
    Break("Split", "resolve-split", _split(True), _split(False)),
    Break("MetadataOutOfSync", "sync-force", _sync("failed"), _sync("synced")),
    Break("ServerNotMovable", "ACTIVE", _server("RESCUE"), _server("ACTIVE")),
    Break(
        "ServerMissing",
        "Remove the member",
        lambda test: test.source.compute.servers.pop("s-db"),
        lambda test: test.scene(members=test.members[:1]),
    ),
    Break(
        "VolumeNotProtectable",
        "etach",
        lambda test: test.attach(test.members[0], "v-new"),
        lambda test: test.detach("v-new"),
    ),
    Break(
        "RightMissing",
        "--inherited admin",
        *_set("target.identity.roles", ["member"], ["admin"]),
    ),
    Break(
        "MicroversionTooOld",
        "Upgrade Cinder",
        *_set("target.volume.server_maximum", (3, 24), (3, 70)),
    ),
    Break(
        "FlavorNotMapped",
        "flavor big",
        _recipe(flavor={"original_name": "big"}),
        lambda test: test.target.compute.known_flavors.append(
            fake.flavor("f2", "big")
        ),
    ),
    Break(
        "NetworkNotMapped",
        "net-web",
        _recipe(ports=[_port()]),
        lambda test: test.target.network.known_networks.append(
            {"id": "n9", "name": "net-web"}
        ),
    ),
    Break("CapacityShort", "Free or add hosts", _hosts(0), _hosts(1)),
    Break("QuotaShort", "volumes", _quota(1), _quota(9)),
    Break("LinkDown", "Mend the connection", *_status(link="broken")),
    Break("TransferNotAllowed", "Allow", *_status(allowed=False)),
    Break("ArrayGroupMissing", "reprotect", *_status(group_exists=False)),
    Break(
        "NoRecoveryPoint",
        "Replicate now",
        *_set("ctx.points", [], None),
    ),
)


class ManyTest(preflight_case.PreflightCase):
    def scene(self, **values: Any) -> None:
        self.ctx.scene = dataclasses.replace(self.ctx.scene, **values)

    def detach(self, volume_id: str) -> None:
        attached = self.source.compute.attached
        attached[:] = [a for a in attached if a.volume_id != volume_id]

    def told(self) -> dict[str, list[str]]:
        """The fixes by code, of what stops a move."""
        found = preflight.check(
            self.ctx,
            preflight_case.HERE,
            preflight_case.THERE,
            preflight.HEALTH,
        )
        fixes: dict[str, list[str]] = {}
        for one in preflight.errors(found):
            fixes.setdefault(str(one.code), []).append(one.fix)
        return fixes

    @hypothesis.settings(PROFILE)
    @hypothesis.example(list(BREAKS))
    @hypothesis.given(st.lists(st.sampled_from(BREAKS), unique=True))
    def test_each_is_named_and_can_be_mended(
        self, broken: list[Break]
    ) -> None:
        self.members = [fake_scene.member("web"), fake_scene.member("db")]
        self.start()
        self.as_recorded()
        points = self.ctx.points
        self.assertEqual({}, self.told())
        for one in broken:
            one.break_(self)
        told = self.told()
        self.assertEqual({b.code for b in broken}, set(told))
        for one in broken:
            self.assertIn(one.fix, " ".join(told[one.code]))
            one.mend(self)
            if self.ctx.points is None:
                self.ctx.points = points
            self.assertNotIn(one.code, self.told())
        self.assertEqual({}, self.told())
