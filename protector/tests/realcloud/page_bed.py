# SPDX-License-Identifier: Apache-2.0
"""The page's bed on two real clouds, with the suite's pair on them."""

from protector.tests.page import bed
from protector.tests.realcloud import backend, protector_site, tenancy

DRILLS = "10.20.0.0/24"
"""As the servers' own network, so that a drill can keep their addresses."""


class RealBed(bed.Bed):
    plain_type = backend.PLAIN
    engine_apart = True
    patience = 240.0

    def __init__(self, given: tenancy.Tenancy) -> None:
        super().__init__()
        self._pair = given.pair
        self._sites = {s.name: s for s in (self._pair.a, self._pair.b)}
        self.servers = given.servers
        self.volume_type = given.names.volume_type

    def _setUp(self) -> None:
        self.a, self.b = (_site(s) for s in self._sites.values())
        storage = self._pair.a.admin.block_storage
        volume = storage.get_volume(self.servers[0].volume_ids[0])
        self.backend = str(volume.host)
        self._network_for_drills()

    def _network_for_drills(self) -> None:
        network = self.b.tenant.network
        for left in network.networks(name="test-net1"):
            network.delete_network(left)
        made = network.create_network(name="test-net1")
        self.addCleanup(network.delete_network, made)
        network.create_subnet(
            network_id=made.id, name="test-sub1", ip_version=4, cidr=DRILLS
        )

    def kill_api(self, site: bed.Site) -> None:
        self._sites[site.name].kill_api()

    def hang_api(self, site: bed.Site) -> None:
        self._sites[site.name].hang_api()

    def start_api(self, site: bed.Site) -> None:
        self._sites[site.name].start_api()
        self._sites[site.name].wait_for_api()

    def kill_engine(self, site: bed.Site) -> None:
        self._sites[site.name].kill_engine()

    def start_engine(self, site: bed.Site) -> None:
        self._sites[site.name].start_engine()
        self._sites[site.name].wait()

    def slow_arrays(self, milliseconds: int) -> None:
        for array in (self._pair.arrays.a, self._pair.arrays.b):
            array.tune(latency_ms=milliseconds)

    def refuse_on_array(self, call: str | None) -> None:
        faults = [{"match": call, "status": 400}] if call else []
        self._pair.arrays.a.plant(*faults)


def _site(site: protector_site.Site) -> bed.Site:
    auth = site.tenant.config.get_auth_args()
    return bed.Site(
        name=site.name,
        id=site.id,
        api=site.endpoint.removeprefix("http://"),
        user=auth["username"],
        password=auth["password"],
        project=auth["project_name"],
        auth_url=site.auth_url,
        region=site.tenant.config.get_region_name(),
        tenant=site.tenant,
        admin=site.admin,
    )
