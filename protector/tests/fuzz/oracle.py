# SPDX-License-Identifier: Apache-2.0
"""What is wrong with an answer, whatever was asked.

Knows the document and nothing of the service.
"""

from collections.abc import Iterator
from typing import Any

import jsonschema
import requests

from protector.api import microversion
from protector.api.schemas import errors, types

Json = dict[str, Any]
MESSAGE = 10
"""A refusal that helps has more characters."""


class Oracle:
    """:param document: of OpenAPI 3.1, of the version that is asked for."""

    def __init__(self, document: Json) -> None:
        self._document = document

    def faults(
        self, method: str, path: str, answer: requests.Response
    ) -> Iterator[str]:
        """:param path: the template, as the document has it."""
        if "x-openstack-request-id" not in answer.headers:
            yield "no id of the request"
        if answer.status_code >= 400:
            yield from self._refusal(answer)
            return
        operation = self._document["paths"][path][method.lower()]
        shown = operation["responses"].get(str(answer.status_code))
        if shown is None:
            yield f"status {answer.status_code} is not documented"
            return
        served = answer.headers.get(microversion.HEADER, "").split()[-1]
        if served != self._document["info"]["version"]:
            # it was not asked for, and another document describes it
            return
        content = shown.get("content")
        if content is None:
            if answer.content:
                yield "a body where none is documented"
            return
        schema = content["application/json"]["schema"]
        yield from self.misfits(schema, answer.json())

    def _refusal(self, answer: requests.Response) -> Iterator[str]:
        kind = answer.headers.get("Content-Type", "")
        if kind.partition(";")[0] != "application/json":
            yield f"a refusal as {kind or 'nothing'}"
            return
        told = answer.json()
        wrong = list(self.misfits(errors.ERROR, told))
        if wrong:
            yield from wrong
            return
        error = told["error"]
        if error["code"] != answer.status_code:
            yield "another code in the error than in the answer"
        if len(error["message"]) < MESSAGE or not error["reason"]:
            yield "the refusal says nothing"
        if error["request_id"] != answer.headers["x-openstack-request-id"]:
            yield "another request id in the error than in the answer"

    def body_fits(self, method: str, path: str, body: Any) -> bool:
        """Whether a request's body is as documented."""
        operation = self._document["paths"][path][method.lower()]
        content = operation["requestBody"]["content"]
        schema = content["application/json"]["schema"]
        return not list(self.misfits(schema, body))

    def misfits(self, schema: Json, value: Any) -> Iterator[str]:
        """Where a value does not fit a schema of the document."""
        whole = {**schema, "components": self._document["components"]}
        validator = jsonschema.Draft202012Validator(
            whole, format_checker=types.FORMATS
        )
        for error in validator.iter_errors(value):
            place = "/".join(map(str, error.absolute_path))
            yield f"at {place or 'its root'}: {error.message[:200]}"
            return
