# SPDX-License-Identifier: Apache-2.0
"""What services answer, as Protector's own errors."""

from typing import Any

from protector import exception
from protector.tests import base
from protector.tests.unit.clients import fake_cloud

Answer = fake_cloud.Answer
NOVA_QUOTA = "Quota exceeded for cores: Requested 1, but already used 20 of 20"
CINDER_QUOTA = (
    "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds "
    "allowed gigabytes quota."
)


class MappingTest(base.TestCase):
    """Through real calls: the way a service's text comes out."""

    def setUp(self) -> None:
        super().setUp()
        self.cloud = self.useFixture(fake_cloud.FakeCloud())
        clients = fake_cloud.clients(self.cloud, read_retries=0)
        self.tenant = clients.project("tenant")

    def _compute(self, answer: Answer) -> exception.CloudError:
        self.cloud.on("POST", "/servers$", answer)
        compute = self.tenant.compute
        return self._error(compute.create_server, {"name": "web-1"})

    def _error(self, call: Any, *args: Any) -> exception.CloudError:
        try:
            call(*args)
        except exception.CloudError as e:
            return e
        raise AssertionError("no error")

    def _is(self, kind: type, text: str, error: Exception) -> None:
        self.assertIs(kind, type(error))
        self.assertIn(text, str(error))

    def test_the_message_says_who_where_and_what(self) -> None:
        fault = {"conflictingRequest": {"code": 409, "message": "Not now."}}
        error = self._compute(Answer(409, fault))
        self.assertIs(exception.CloudConflict, type(error))
        self.assertEqual(
            "Nova at site site-b failed to create server web-1 (409): "
            "Not now.",
            error.message,
        )
        self.assertEqual(
            {
                "service": "Nova",
                "site": "site-b",
                "action": "create server web-1",
                "code": 409,
            },
            error.details,
        )

    def test_statuses(self) -> None:
        for status, kind in (
            (400, exception.CloudError),
            (401, exception.CloudForbidden),
            (403, exception.CloudForbidden),
            (404, exception.CloudNotFound),
            (406, exception.CloudError),
            (409, exception.CloudConflict),
            (429, exception.CloudUnavailable),
            (500, exception.CloudUnavailable),
            (503, exception.CloudUnavailable),
        ):
            error = self._compute(Answer(status, {"x": {"message": "No."}}))
            self._is(kind, "No.", error)

    def test_quotas(self) -> None:
        error = self._compute(
            Answer(403, {"forbidden": {"message": NOVA_QUOTA}})
        )
        self._is(exception.CloudQuota, "20 of 20", error)
        over = {"overLimit": {"message": CINDER_QUOTA, "code": 413}}
        self.cloud.on(
            "POST", "/volumes$", Answer(413, over, {"Retry-After": "0"})
        )
        error = self._error(self.tenant.volume.create, "v", 1, "t")
        self._is(exception.CloudQuota, "gigabytes quota", error)
        neutron = {
            "NeutronError": {
                "type": "OverQuota",
                "message": "Quota exceeded for resources: ['port'].",
                "detail": "",
            }
        }
        self.cloud.on("POST", "/ports$", Answer(409, neutron))
        error = self._error(self.tenant.network.create_port, {})
        self._is(exception.CloudQuota, "['port']", error)

    def test_a_large_body_is_not_a_quota(self) -> None:
        too_large = {"x": {"message": "Request is too large."}}
        error = self._compute(Answer(413, too_large))
        self._is(exception.CloudError, "too large", error)

    def test_shapes_of_errors(self) -> None:
        for body in (
            {"error": {"code": 409, "title": "Conflict", "message": "Why"}},
            {"NeutronError": "Why"},
            {"NeutronError": {"message": "Why", "type": "X", "detail": ""}},
            {"errors": [{"status": 409, "title": "C", "detail": "Why"}]},
            {"message": "Why<br /><br />\n\n", "code": "409 Conflict"},
            "<html><title>409</title><body><h1>No</h1>Why</body></html>",
        ):
            self._is(
                exception.CloudConflict,
                "Why",
                self._compute(Answer(409, body)),
            )

    def test_no_text_at_all(self) -> None:
        for body in (None, {}, [], {"x": None}, "", [1], "<i></i>"):
            error = self._compute(Answer(409, body))
            self._is(exception.CloudConflict, "Conflict", error)

    def test_long_texts_are_cut(self) -> None:
        error = self._compute(Answer(500, {"x": {"message": "y" * 5000}}))
        self.assertLess(len(error.message), 500)

    def test_broken_answers(self) -> None:
        for answer in (
            Answer(202, "<html>captive portal</html>"),
            Answer(202, b'{"server": {"id"'),
            Answer(202, {"something": "else"}),
            Answer(202, [1, 2]),
            Answer(202),
            Answer(300, {"choices": []}),
        ):
            error = self._compute(answer)
            self._is(exception.CloudUnavailable, "broken answer", error)

    def test_broken_answers_through_the_libraries(self) -> None:
        for answer in (
            Answer(200, "<html>captive portal</html>"),
            Answer(200, {"volume": None}),
            Answer(200, {"volume": {"id": "v"}}),
            Answer(200),
        ):
            self.cloud.on("GET", "/volumes/v$", answer)
            error = self._error(self.tenant.volume.get, "v")
            self._is(exception.CloudUnavailable, "broken answer", error)

    def test_a_web_server_without_the_service_is_not_absence(self) -> None:
        page = Answer(404, "<h1>Not Found</h1><p>Apache Server</p>")
        self.cloud.on("GET", "/servers/s$", page)
        error = self._error(self.tenant.compute.get_server, "s")
        self.assertIs(exception.CloudUnavailable, type(error))

    def test_glance_says_absence_in_html(self) -> None:
        page = Answer(404, "<h1>404 Not Found</h1> No image found with ID i")
        self.cloud.on("GET", "/images/i$", page)
        error = self._error(self.tenant.image.get, "i")
        self._is(exception.CloudNotFound, "No image found", error)

    def test_an_api_that_is_too_old(self) -> None:
        self.cloud.maximum = {"compute": "2.20", "volume": "3.10"}
        error = self._error(self.tenant.volume.get_group, "g")
        self._is(exception.CloudError, "too old", error)
        error = self._error(
            self.tenant.compute.set_delete_on_termination, "s", "v", False
        )
        self._is(exception.CloudError, "2.85", error)

    def test_a_service_that_is_not_in_the_catalogue(self) -> None:
        access = fake_cloud.access(self.cloud.url, region_name="elsewhere")
        clouds = fake_cloud.clients(self.cloud)._clouds
        compute = clouds.site(access).project("t").compute
        error = self._error(compute.create_server, {})
        self._is(exception.CloudUnavailable, "Nova", error)
