# SPDX-License-Identifier: Apache-2.0
"""Room on the hosts of the target, as Placement tells it."""

from protector import exception
from protector.tests.unit.engine.preflight import preflight_case


class CapacityTest(preflight_case.PreflightCase):
    """Each member takes 2 VCPU and 1024 MiB."""

    def hosts(self, *rooms: tuple[int, int]) -> None:
        self.target.placement.hosts = {
            f"host-{n}": {"VCPU": vcpus, "MEMORY_MB": ram}
            for n, (vcpus, ram) in enumerate(rooms)
        }

    def test_room_for_all(self) -> None:
        for rooms in (((4, 2048),), ((2, 1024), (2, 1024))):
            self.hosts(*rooms)
            self.assertEqual([], self.findings())

    def test_room_for_one(self) -> None:
        for rooms in (((3, 2048),), ((4, 1500),), ((2, 1024), (1, 9999))):
            self.hosts(*rooms)
            (message,) = self.only("CapacityShort")
            self.assertIn("VCPU 2", message)

    def test_room_for_none(self) -> None:
        self.hosts()
        self.assertEqual(2, len(self.only("CapacityShort")))

    def test_what_cannot_be_asked_stops_nothing(self) -> None:
        for error in (
            exception.CloudForbidden("Access was denied."),
            exception.CloudUnavailable("No endpoint of it was found."),
        ):

            def failing(resources: object, error: Exception = error) -> None:
                raise error

            self.target.placement.candidates = failing
            (message,) = self.only("CapacityUnknown", "warning")
            self.assertIn("could not be checked", message)
            self.assertIn(str(error), message)
