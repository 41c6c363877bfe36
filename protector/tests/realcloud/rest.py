# SPDX-License-Identifier: Apache-2.0
"""Protector's REST API as its users reach it: by the catalogue.

Plain calls, so that the suite judges the service and not its client.
"""

from typing import Any

from keystoneauth1 import adapter
from openstack import connection

from protector.tests.realcloud import processes

VERSION = "protector 1.2"
UNFINISHED = ("pending", "running")
CALL_SECONDS = 90
Json = dict[str, Any]


class Protector:
    """The API of one site.

    :param cloud: whose token is used.
    :param project_id: the tenant in the paths of its resources.
    """

    def __init__(self, cloud: connection.Connection, project_id: str) -> None:
        self.project_id = project_id
        self._adapter = adapter.Adapter(
            cloud.session,
            service_type="protector",
            interface="public",
            region_name=cloud.config.get_region_name("protector"),
            additional_headers={"OpenStack-API-Version": VERSION},
        )

    def call(self, method: str, path: str, body: Json | None = None) -> Any:
        """The response; an answer of 400 and above fails the test."""
        answer = self._adapter.request(
            path,
            method,
            json=body,
            raise_exc=False,
            timeout=CALL_SECONDS,
            connect_retries=0,
        )
        if answer.status_code >= 400:
            raise AssertionError(
                f"{method} {answer.url}: {answer.status_code} {answer.text}"
            )
        return answer

    def get(self, path: str) -> Json:
        found: Json = self.call("GET", path).json()
        return found

    def tenant(self, path: str) -> str:
        """The path of a resource of the tenant."""
        return f"/v1/{self.project_id}/{path}"

    def change(
        self, method: str, path: str, body: Json | None, seconds: float
    ) -> Json:
        """Change a resource of the tenant and see the operation completed,
        whether the API waited for it or not; the answer's body."""
        answer = self.call(method, self.tenant(path), body)
        made: Json = answer.json() if answer.content else {}
        if answer.status_code == 202:
            self.finish(operation_id(answer), seconds)
        return made

    def begin(self, group_id: str, verb: str, args: Json) -> str:
        """Start a verb on a group; the operation's id."""
        answer = self.call(
            "POST",
            self.tenant(f"protection-groups/{group_id}/action"),
            {verb: args},
        )
        return str(answer.json()["operation"]["id"])

    def operation(self, key: str) -> Json:
        found: Json = self.get(self.tenant(f"operations/{key}"))["operation"]
        return found

    def finish(self, key: str, seconds: float) -> Json:
        """Wait until an operation has ended, which must be a success."""
        processes.wait_until(
            lambda: self.operation(key)["status"] not in UNFINISHED,
            seconds,
            pause=1,
            told=lambda: report(self.operation(key)),
        )
        found = self.operation(key)
        if found["status"] != "completed":
            raise AssertionError(report(found))
        return found

    def running(self, key: str, step: str) -> bool:
        """Whether a step of that name is under way.

        :raises AssertionError: the operation ended.
        """
        found = self.operation(key)
        if found["status"] not in UNFINISHED:
            raise AssertionError(f"ended before {step}: {report(found)}")
        return any(
            row["name"] == step and row["status"] == "running"
            for row in found["steps"]
        )


def operation_id(answer: Any) -> str:
    """Of the operation that an answer of 202 began."""
    return str(answer.headers["Location"].rstrip("/").rpartition("/")[2])


def report(operation: Json) -> str:
    """An operation for the reader of a failed test."""
    rows = [
        f"  {row['name']} {row.get('member_id') or ''} {row['status']} "
        f"{row.get('error') or ''}"
        for row in operation["steps"]
    ]
    head = (
        f"{operation['kind']} {operation['id']} is {operation['status']}: "
        f"{operation.get('error')}"
    )
    return "\n".join([head, *rows])
