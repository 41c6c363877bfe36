# SPDX-License-Identifier: Apache-2.0
"""The story's acts: what the users do, and what must be true after each.

Users act through the SDK only.  Each act fills a phase of the report; one
that cannot go on raises.
"""

from collections.abc import Sequence
import dataclasses
from typing import Any

from openstack import connection

from protector.sandbox import disturb, evidence, guests, report, views, watch
from protector.sandbox import layout as layouts

GROUP = "prod-web-app"
VOLUME_TYPE = "replicated-ssd"
PARKED = "SHELVED_OFFLOADED"
LAST_PAGES = (1 << 30) // guests.PAGE - 4
"""A volume's last pages; the volumes have 1 GiB."""
FIRST_WRITES = ((64, 16), (4096, 8), (LAST_PAGES, 4))
MORE_WRITES = ((72, 16), (8192, 8), (LAST_PAGES + 2, 2))
"""(first page, pages): the second lot overlaps the first."""


@dataclasses.dataclass
class Stage:
    """What the acts share.

    :ivar clouds: the tenant's connection by site.
    :ivar originals: the servers as they were, by name.
    """

    layout: layouts.Layout
    clouds: dict[str, connection.Connection]
    view: views.View
    disturber: disturb.Disturber
    patience: watch.Patience
    guests: guests.Guests
    originals: dict[str, evidence.Server]
    group_id: str = ""

    @property
    def a(self) -> layouts.Site:
        """The primary site."""
        return self.layout.sites[0]

    @property
    def b(self) -> layouts.Site:
        """The secondary site."""
        return self.layout.sites[1]

    def protector(self, site: layouts.Site) -> Any:
        """The SDK's Protector service of a site."""
        return self.clouds[site.name].protector

    def follow(
        self, phase: report.Phase, operation_id: str, at: layouts.Site
    ) -> Any:
        """Follow an operation that a site executes; note what it tells.

        :raises watch.OperationError: it did not end well.
        """
        sources = [
            watch.Source(site.name, self.protector(site).get_operation)
            for site in (at, self.layout.other(at))
        ]
        told: set[str] = set()

        def away(site: str) -> None:
            if site not in told:
                told.add(site)
                self.view.say(f"{site} does not answer")

        def seen(operation: Any) -> None:
            self.view.look(operation)
            self.disturber.look(operation)

        ended = watch.follow(operation_id, sources, seen, away, self.patience)
        self.disturber.settle()
        phase.took(ended)
        phase.equal(f"{ended.kind} completed", "success", ended.outcome)
        return ended

    def group(self, site: layouts.Site) -> Any:
        """The group as a site shows it."""
        return self.protector(site).get_protection_group(self.group_id)


def create(stage: Stage, phase: report.Phase) -> None:
    """Make the group, with what the sites propose for its mappings."""
    a = stage.protector(stage.a)
    sites = {site.name: site.id for site in a.sites()}
    types = a.site_volume_types(sites[stage.a.name])
    made = a.create_protection_group(
        name=GROUP,
        description="Production web application",
        replication_type="async",
        primary_site_id=sites[stage.a.name],
        secondary_site_id=sites[stage.b.name],
        volume_type_id=next(t.id for t in types if t.name == VOLUME_TYPE),
    )
    stage.group_id = made.id
    stage.follow(phase, made.last_operation_id, stage.a)
    phase.equal("group is active", "active", stage.group(stage.a).status)
    phase.equal(f"{stage.b.name} knows it", GROUP, stage.group(stage.b).name)
    proposal = a.propose_resource_mappings(made)
    pairs = {
        key: proposal[key]
        for key in ("networks", "flavors", "security_groups", "keypairs")
        if proposal[key]
    }
    changed = a.set_resource_mappings(made, **pairs)
    if changed.accepted_operation_id:
        stage.follow(phase, changed.accepted_operation_id, stage.a)
    names = [(row["primary"], row["secondary"]) for row in pairs["networks"]]
    phase.check("networks are mapped", bool(names), str(names))


def add_members(stage: Stage, phase: report.Phase) -> None:
    """Protect the servers, one after the other."""
    a = stage.protector(stage.a)
    for name, server in stage.originals.items():
        member = a.add_member(stage.group_id, server.id)
        stage.follow(phase, member.last_operation_id, stage.a)
        settled = a.get_member(stage.group_id, member.id)
        phase.equal(f"{name} is protected", "protected", settled.status)
        phase.equal(
            f"all volumes of {name}",
            len(server.volumes),
            settled.volumes_added,
        )
        stage.view.say(f"{name} {settled.status}")
    _count(phase, stage.originals.values())


def write(
    stage: Stage,
    phase: report.Phase,
    site: layouts.Site,
    pages: Sequence[tuple[int, int]],
) -> None:
    """The guests at a site write to all their volumes."""
    servers = running(stage, site)
    total = 0
    for disk in _disks(servers):
        for first, count in pages:
            total += stage.guests.write(site, disk, first, count)
    _count(phase, servers.values())
    verify(stage, phase, site, servers)
    stage.view.say(f"{total >> 10} KiB written at {site.name}")


def replicate(stage: Stage, phase: report.Phase) -> None:
    """Send what was written, on demand."""
    a = stage.protector(stage.a)
    operation = a.run_protection_group(stage.group_id, "replicate")
    ended = stage.follow(phase, operation.id, stage.a)
    points = [p for p in a.recovery_points(stage.group_id) if p.complete]
    phase.check(
        "a recovery point is complete",
        bool(points) and report.point_of(ended) is not None,
    )


def sync_status(stage: Stage, phase: report.Phase) -> None:
    """Both sites know the same."""
    versions = []
    for site in stage.layout.sites:
        status = stage.protector(site).get_sync_status(stage.group_id)
        phase.check(f"{site.name} is in sync", bool(status.in_sync))
        versions.append((status.local["epoch"], status.local["version"]))
    phase.equal("both have one version", versions[0], versions[1])
    stage.view.say("epoch {}, version {}".format(*versions[0]))


def failover(stage: Stage, phase: report.Phase) -> None:
    """Move to the other site, planned; asked for where the servers run."""
    operation = stage.protector(stage.a).run_protection_group(
        stage.group_id, "failover", type="planned"
    )
    stage.follow(phase, operation.id, stage.b)
    _placed(stage, phase, stage.b, "failed_over")
    servers = running(stage, stage.b)
    verify(stage, phase, stage.b, servers)
    for name, was in stage.originals.items():
        now = servers[name]
        for what in ("flavor", "description"):
            phase.equal(
                f"{what} of {name}", getattr(was, what), getattr(now, what)
            )
        phase.equal(f"network of {name}", _network(was), _network(now))
        phase.equal(f"volumes of {name}", _devices(was), _devices(now))
        source = stage.clouds[stage.a.name].compute.get_server(was.id)
        phase.equal(f"the original of {name}", PARKED, source.status)
    _count(phase, servers.values())


def failback(stage: Stage, phase: report.Phase) -> None:
    """Move home again; the originals come back with all that was theirs."""
    operation = stage.protector(stage.b).run_protection_group(
        stage.group_id, "failback", type="planned"
    )
    stage.follow(phase, operation.id, stage.a)
    _placed(stage, phase, stage.a, "active")
    servers = running(stage, stage.a)
    verify(stage, phase, stage.a, servers)
    for name, was in stage.originals.items():
        for field in dataclasses.fields(was):
            phase.equal(
                f"{field.name} of {name}",
                getattr(was, field.name),
                getattr(servers[name], field.name),
            )
    _count(phase, servers.values())


def remove(stage: Stage, phase: report.Phase) -> None:
    """Take the servers out of the group and delete it."""
    a = stage.protector(stage.a)
    for member in list(a.members(stage.group_id)):
        gone = a.remove_member(stage.group_id, member.id)
        if gone is not None and gone.accepted_operation_id:
            stage.follow(phase, gone.accepted_operation_id, stage.a)
        stage.view.say(f"{member.instance_name} taken out")
    left = [m.instance_name for m in a.members(stage.group_id)]
    phase.equal("no member is left", [], left)
    gone = a.delete_protection_group(stage.group_id)
    stage.follow(phase, gone.accepted_operation_id, stage.a)
    for site in stage.layout.sites:
        rows = list(stage.protector(site).protection_groups())
        phase.equal(f"no group is left at {site.name}", 0, len(rows))


def running(stage: Stage, site: layouts.Site) -> dict[str, evidence.Server]:
    """The members' servers where they run now, by name."""
    members = stage.protector(stage.a)
    ids = (
        [m.current_instance_id for m in members.members(stage.group_id)]
        if stage.group_id
        else [server.id for server in stage.originals.values()]
    )
    cloud = stage.clouds[site.name]
    found = [evidence.server(cloud, server_id) for server_id in ids]
    return {server.name: server for server in found}


def verify(
    stage: Stage,
    phase: report.Phase,
    site: layouts.Site,
    servers: dict[str, evidence.Server],
) -> None:
    """Every byte is as it was written, on every volume."""
    disks = _disks(servers)
    phase.equal(
        f"volumes at {site.name}",
        sorted(d.key for d in _disks(stage.originals)),
        sorted(d.key for d in disks),
    )
    for disk in disks:
        wrong = stage.guests.wrong(site, disk)
        phase.check(f"content of {disk.key}", wrong is None, wrong or "")


def _placed(
    stage: Stage, phase: report.Phase, site: layouts.Site, status: str
) -> None:
    """Both sites say that the group is where it must be."""
    for at in stage.layout.sites:
        group = stage.group(at)
        here = next(
            s for s in stage.protector(at).sites() if s.name == site.name
        )
        phase.equal(f"status at {at.name}", status, group.status)
        phase.equal(
            f"{at.name} sees it at {site.name}",
            here.id,
            group.current_primary_site_id,
        )


def _disks(servers: dict[str, evidence.Server]) -> list[guests.Disk]:
    return [disk for server in servers.values() for disk in server.disks]


def _network(server: evidence.Server) -> list[tuple[str, tuple[str, ...]]]:
    return sorted((mac, ips) for _id, mac, ips in server.ports)


def _devices(server: evidence.Server) -> list[tuple[str, str]]:
    return [(device, name) for device, _id, name in server.volumes]


def _count(phase: report.Phase, servers: Any) -> None:
    rows = list(servers)
    phase.servers = len(rows)
    phase.volumes = sum(len(server.volumes) for server in rows)
