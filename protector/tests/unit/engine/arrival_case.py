# SPDX-License-Identifier: Apache-2.0
"""A member on its way from ``here`` to ``there``, with clouds in memory."""

from typing import Any
import uuid

from protector.db import models
from protector.engine import context, membership
from protector.storage import base
from protector.tests.unit.engine import case, fake_cloud, fakes
from protector.tests.unit.engine import fake_project as fake

Json = dict[str, Any]


class Driver(fakes.Driver):
    def array_volume_name(self, cinder_id: str) -> str:
        return f"volume-{cinder_id}-cinder"

    def get_volume(self, array: base.Array, name: str) -> base.Volume:
        return base.Volume(name, "serial", 1)


class ArrivalCase(case.EngineCase):
    """``self.ctx``: a step's context for the one member."""

    def setUp(self) -> None:
        super().setUp()
        self.clouds = fake_cloud.Clouds(self.site.local_id, self.site.peer_id)
        self.runtime.clouds = self.clouds
        self.driver = Driver()
        self.runtime.storage = fakes.Storage(self.driver)
        self.here, self.there = self.clouds.here, self.clouds.there
        self.set_sides(cinder_group_id=("cg", "cg"))
        self.member_id = self.site.member(self.group_id)
        self.change_member(recipe=recipe())
        self.server_id, self.volume_id = self._put_source()
        self.set_copy(server_id=None)
        with self.runtime.db.writer() as session:
            for volume in session.query(models.VolumeCopy).filter_by(
                site_id=self.site.peer_id
            ):
                session.delete(volume)
        self.ctx = self.for_member()

    def _put_source(self) -> tuple[str, str]:
        row = self.row()
        volume_id = str(row.volumes_at(self.site.local_id)[0].cinder_id)
        server_id = str(row.copy(self.site.local_id).server_id)
        self.here.compute.rows[server_id] = fake.server(
            server_id, status="SHUTOFF"
        )
        self.here.volume.add(volume_id)
        self.here.compute.attach(server_id, volume_id)
        return server_id, volume_id

    def for_member(
        self, verb: str = "failover", **values: Any
    ) -> context.StepContext:
        """:param values: ``generation`` is how many engines ran it before."""
        plain = self.step(self.accept(verb, **values))
        deadline = self.clock.monotonic() + 600
        return context.StepContext(
            plain.work, plain.operation, self.member_id, deadline
        )

    def again(self) -> context.StepContext:
        """The step's next attempt: it sees the rows as they are now."""
        self.ctx.refresh()
        return self.ctx

    # -- rows

    def row(self) -> models.Member:
        with self.runtime.db.reader() as session:
            return session.get(models.Member, self.member_id)

    def copy(self) -> models.MemberCopy:
        return self.row().copy(self.site.peer_id)

    def change_member(self, **values: Any) -> None:
        with self.runtime.db.writer() as session:
            row = session.get(models.Member, self.member_id)
            for key, value in values.items():
                setattr(row, key, value)

    def set_copy(self, **values: Any) -> None:
        """Columns of the member's copy there."""
        with self.runtime.db.writer() as session:
            key = (self.member_id, self.site.peer_id)
            row = session.get(models.MemberCopy, key)
            for name, value in values.items():
                setattr(row, name, value)

    def set_volume(self, volume_id: str) -> None:
        """The recorded volume there is another one."""
        with self.runtime.db.writer() as session:
            key = (self.member_id, 0, self.site.peer_id)
            session.get(models.VolumeCopy, key).cinder_id = volume_id

    def copies(self) -> list[str]:
        """Ids of the recorded volumes there."""
        volumes = self.row().volumes_at(self.site.peer_id)
        return [str(v.cinder_id) for v in volumes]

    def park(self, **values: Any) -> str:
        """A server there with a volume, both recorded; its id."""
        server_id, volume_id = str(uuid.uuid4()), str(uuid.uuid4())
        given = {"status": "SHELVED_OFFLOADED"} | values
        self.there.compute.rows[server_id] = fake.server(server_id, **given)
        self.there.volume.add(
            volume_id,
            bootable=True,
            metadata=membership.volume_marks(self.row(), 0),
        )
        self.there.compute.attach(server_id, volume_id)
        if given["status"] == "SHELVED_OFFLOADED":
            self.there.volume.change(volume_id, status="reserved")
        self.there.compute.actions[server_id] = ["shelve", "stop"]
        self.set_copy(
            server_id=server_id, role="parked", stop_request_id="req-1"
        )
        with self.runtime.db.writer() as session:
            session.add(
                models.VolumeCopy(
                    member_id=self.member_id,
                    ordinal=0,
                    site_id=self.site.peer_id,
                    cinder_id=volume_id,
                    name="root",
                    size_gb=1,
                    boot_index=0,
                )
            )
        self.again()
        return server_id

    def residue(self) -> list[str]:
        return [e["id"] for e in self.ctx.data.get("residue", [])]


def recipe(**values: Any) -> Json:
    return {
        "name": "web",
        "flavor": dict(fake.FLAVOR),
        "metadata": {},
        "config_drive": False,
        "user_data": None,
        "description": None,
        "hostname": None,
        "tags": [],
        "availability_zone": None,
        "server_group": None,
        "hints": {},
        "keypair": None,
        "ports": [port()],
        "security_groups": [],
        "volumes": [
            {
                "name": "root",
                "description": "",
                "metadata": {},
                "image_metadata": {"hw_firmware_type": "uefi"},
            }
        ],
        **values,
    }


def port(**values: Any) -> Json:
    return {
        "id": "p-here",
        "name": "",
        "network_id": "n1",
        "network_name": "net",
        "mac_address": "fa:16:3e:00:00:01",
        "fixed_ips": [{"ip_address": "10.0.0.7"}],
        "security_groups": [],
        "floating_ips": [],
        **values,
    }
