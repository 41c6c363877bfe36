# SPDX-License-Identifier: Apache-2.0
"""What Placement does, real or emulated."""

from protector.tests.unit.sandbox.cloud import contract


class PlacementContractTest(contract.ContractTestCase):
    def candidates(self, resources: str) -> int:
        answer = self.admin.placement.get(
            f"/allocation_candidates?resources={resources}",
            microversion="1.36",
        )
        self.assertEqual(200, answer.status_code, answer.text)
        return len(answer.json()["allocation_requests"])

    def test_a_provider_is_a_hypervisor(self) -> None:
        nodes = {row.id: row.name for row in self.admin.compute.hypervisors()}
        found = {
            row.id: row.name
            for row in self.admin.placement.resource_providers()
        }
        self.assertEqual(nodes, found)

    def test_inventories_and_usages(self) -> None:
        (provider, *_) = self.admin.placement.resource_providers()
        url = f"/resource_providers/{provider.id}"
        get = self.admin.placement.get
        rows = get(f"{url}/inventories").json()["inventories"]
        self.assertLessEqual({"VCPU", "MEMORY_MB"}, set(rows))
        self.assertLessEqual(1, rows["VCPU"]["total"])
        used = get(f"{url}/usages").json()["usages"]
        self.assertEqual(set(rows), set(used))

    def test_candidates(self) -> None:
        self.assertLessEqual(1, self.candidates("VCPU:1,MEMORY_MB:64"))
        self.assertEqual(0, self.candidates("VCPU:1,MEMORY_MB:999999999"))
        bad = self.admin.placement.get(
            "/allocation_candidates?resources=VCPU", microversion="1.36"
        )
        self.assertEqual(400, bad.status_code)

    def test_tenants_are_refused(self) -> None:
        answer = self.tenant.placement.get("/resource_providers")
        self.assertEqual(403, answer.status_code)

    def test_microversions(self) -> None:
        answer = self.admin.placement.get(
            "/resource_providers", microversion="1.10"
        )
        self.assertEqual(
            "placement 1.10", answer.headers["OpenStack-API-Version"]
        )
        vary = answer.headers["Vary"].lower()
        self.assertIn("openstack-api-version", vary)
        beyond = self.admin.placement.get(
            "/resource_providers",
            headers={"OpenStack-API-Version": "placement 1.999"},
        )
        self.assertEqual(406, beyond.status_code)
