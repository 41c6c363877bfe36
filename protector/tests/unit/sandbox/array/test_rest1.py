# SPDX-License-Identifier: Apache-2.0
"""The wire of REST 1.x, beyond what the vendor's client lets one see."""

import purestorage
import requests

from protector.tests import base
from protector.tests.unit.sandbox.array import processes

_MIB = 1024**2


class Rest1Test(base.TestCase):
    """One array; each test has names of its own."""

    process: processes.ArrayProcess

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.process = processes.ArrayProcess("array-r")
        cls.addClassCleanup(cls.process.remove)
        cls.process.start()

    def setUp(self) -> None:
        super().setUp()
        self.array = self.process.sdk()
        self.addCleanup(self.process.control, "PUT", "faults", json=[])

    def login(self) -> dict[str, str]:
        """Return the cookies of a new session."""
        answer = self.process.request(
            "POST",
            "/api/1.19/auth/session",
            json={"api_token": processes.TOKEN},
        )
        return answer.cookies.get_dict()

    def get(self, path: str, **kwargs: object) -> requests.Response:
        """GET a path of REST 1.19 in a session."""
        return self.process.request(
            "GET", f"/api/1.19/{path}", cookies=self.login(), **kwargs
        )

    def test_versions_need_no_session(self) -> None:
        told = self.process.request("GET", "/api/api_version").json()
        self.assertEqual([f"1.{n}" for n in range(20)], told["version"][:20])

    def test_unserved_version_is_450(self) -> None:
        answer = self.process.request("GET", "/api/1.20/volume")
        self.assertEqual(450, answer.status_code)

    def test_no_session_is_401(self) -> None:
        answer = self.process.request("GET", "/api/1.19/volume")
        self.assertEqual(401, answer.status_code)
        self.assertIn("msg", answer.json()[0])

    def test_wrong_token_is_401(self) -> None:
        answer = self.process.request(
            "POST", "/api/1.19/auth/session", json={"api_token": "no"}
        )
        self.assertEqual(401, answer.status_code)

    def test_password_buys_the_token(self) -> None:
        array = purestorage.FlashArray(
            self.process.target,
            username="pureuser",
            password="pureuser",
            request_kwargs={"verify": self.process.ca, "timeout": 10},
        )
        self.assertEqual("array-r", array.get()["array_name"])

    def test_cookie_comes_with_every_answer(self) -> None:
        self.assertIn("session", self.get("volume").cookies)
        answer = self.get("volume/none")
        self.assertEqual(400, answer.status_code)
        self.assertIn("session", answer.cookies)

    def test_ended_session_is_begun_again_by_the_client(self) -> None:
        self.array.invalidate_cookie()
        self.assertEqual("array-r", self.array.get()["array_name"])

    def test_restart_ends_sessions_and_keeps_the_rest(self) -> None:
        self.array.create_volume("kept", "1M")
        serial = self.array.get_volume("kept")["serial"]
        self.process.kill()
        self.process.start()
        self.assertEqual(serial, self.array.get_volume("kept")["serial"])

    def test_error_names_the_object(self) -> None:
        told = self.get("volume/none").json()
        self.assertEqual("none", told[0]["ctx"])
        self.assertEqual("Volume does not exist.", told[0]["msg"])
        self.assertIn("pure_err_key", told[0])
        self.assertIn("pure_err_code", told[0])

    def test_query_strings_do_as_well_as_bodies(self) -> None:
        for number in range(3):
            self.array.create_volume(f"query{number}", "1M")
        by_query = self.get("volume?names=query1,query2&pending=true").json()
        by_body = self.array.list_volumes(names="query1,query2", pending=True)
        self.assertEqual(2, len(by_query))
        self.assertEqual(by_query, by_body)
        told = self.get("volume?sort=name-&limit=1&names=query*").json()
        self.assertEqual(["query2"], [v["name"] for v in told])
        told = self.get("volume?filter=name='query0*'").json()
        self.assertEqual(["query0"], [v["name"] for v in told])

    def test_pages_end(self) -> None:
        for number in range(5):
            self.array.create_volume(f"page{number}", "1M")
        names = []
        pages = purestorage.FlashArray.page_through(
            2, self.array.list_volumes, names="page*"
        )
        for page, error in pages:
            self.assertIsNone(error)
            names += [volume["name"] for volume in page]
        self.assertEqual([f"page{n}" for n in range(5)], names)

    def test_unknown_parameters_are_refused(self) -> None:
        for call in (
            lambda: self.array.list_volumes(nonsense=True),
            lambda: self.array.create_volume("x1", "1M", nonsense=1),
            lambda: self.array.list_volumes(snap="perhaps"),
        ):
            error = self.assertRaises(purestorage.PureHTTPError, call)
            self.assertEqual(400, error.code)

    def test_changes_of_two_kinds_are_refused(self) -> None:
        self.array.create_volume("both", "1M")
        self.array.create_pgroup("both")
        for call in (
            lambda: self.array.set_volume("both", name="y", size="2M"),
            lambda: self.array.set_pgroup(
                "both", replicate_enabled=True, all_for=60
            ),
            lambda: self.array.set_pgroup("both", name="z", vollist=[]),
        ):
            error = self.assertRaises(purestorage.PureHTTPError, call)
            self.assertEqual(400, error.code)

    def test_pgroup_parameter_works_in_old_versions_only(self) -> None:
        self.array.create_volume("old", "1M")
        self.array.create_pgroup("oldgroup", vollist=["old"])
        self.array.create_pgroup_snapshot("oldgroup", suffix="s")
        error = self.assertRaises(
            purestorage.PureHTTPError,
            self.array.get_volume,
            "oldgroup.s",
            snap=True,
            pgroup=True,
        )
        self.assertEqual(400, error.code)
        old = self.process.sdk(rest_version="1.3")
        told = old.get_volume("oldgroup.s", snap=True, pgroup=True)
        self.assertEqual(["oldgroup.s.old"], [s["name"] for s in told])

    def test_membership_is_told_by_volume(self) -> None:
        self.array.create_volume("member", "1M")
        self.array.create_pgroup("club", vollist=["member"])
        told = self.array.get_volume("member", protect=True)
        self.assertEqual(
            [{"name": "member", "protection_group": "club"}], told
        )

    def test_call_log_masks_secrets(self) -> None:
        self.array.create_host("secretive")
        self.array.set_host("secretive", host_user="u", host_password="hush")
        calls = self.process.control("GET", "calls")
        mine = [c for c in calls if c["path"].endswith("host/secretive")]
        self.assertEqual(["POST", "PUT"], [call["method"] for call in mine])
        self.assertEqual("***", mine[1]["params"]["host_password"])
        self.assertNotIn("hush", str(calls))
        self.assertNotIn(processes.TOKEN, str(calls))
        self.assertNotIn(processes.TOKEN, self.process.log())

    def test_planted_error_comes_as_often_as_planted(self) -> None:
        fault = {"match": "GET .*/volume/", "status": 500, "count": 2}
        self.process.control("PUT", "faults", json=[fault])
        for expected in (500, 500, 400):
            error = self.assertRaises(
                purestorage.PureHTTPError, self.array.get_volume, "none"
            )
            self.assertEqual(expected, error.code)

    def test_lost_answer_loses_no_work(self) -> None:
        fault = {
            "match": "POST .*/volume/",
            "drop": True,
            "count": 1,
            "after": True,
        }
        self.process.control("PUT", "faults", json=[fault])
        error = self.assertRaises(
            purestorage.PureError,
            self.array.create_volume,
            "unheard",
            "1M",
        )
        self.assertNotIsInstance(error, purestorage.PureHTTPError)
        self.assertEqual(_MIB, self.array.get_volume("unheard")["size"])

    def test_dropped_request_does_nothing(self) -> None:
        fault = {"match": "POST .*/volume/", "drop": True, "count": 1}
        self.process.control("PUT", "faults", json=[fault])
        self.assertRaises(
            purestorage.PureError, self.array.create_volume, "never", "1M"
        )
        self.assertRaises(
            purestorage.PureHTTPError, self.array.get_volume, "never"
        )

    def test_hanging_array_runs_into_the_client_timeout(self) -> None:
        fault = {"match": "GET .*/volume", "hang": 30, "count": 1}
        self.process.control("PUT", "faults", json=[fault])
        impatient = purestorage.FlashArray(
            self.process.target,
            api_token=processes.TOKEN,
            request_kwargs={"verify": self.process.ca, "timeout": 0.5},
        )
        self.assertRaises(purestorage.PureError, impatient.list_volumes)
        self.assertIsInstance(impatient.list_volumes(), list)
