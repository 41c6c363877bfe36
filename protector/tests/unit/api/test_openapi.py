# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI document: valid, and it has all that is declared."""

import json
import re
from typing import Any

import openapi_spec_validator as spec

from protector.api import microversion, openapi, routes, validation
from protector.api.controllers import root
from protector.api.schemas import actions, operations, types
from protector.tests import base, source
from protector.tests.unit.api import served

Json = dict[str, Any]
ALL = routes.walk(root.RootController())
ACTION = "/v1/{tenant_id}/protection-groups/{protection_group_id}/action"
OPERATION_ACTION = "/v1/{tenant_id}/operations/{operation_id}/action"
SAMPLE = "api-ref/source/samples/openapi/show-response.json"


def resolved(document: Json, value: Any) -> Any:
    """The value with what it refers to in place of each reference."""
    if isinstance(value, list):
        return [resolved(document, item) for item in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        found = document
        for part in value["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return resolved(document, found)
    return {k: resolved(document, v) for k, v in value.items()}


def described(version: microversion.Version) -> dict[tuple[str, str], Json]:
    """What the document says of each route, without references."""
    document = openapi.document(ALL, version)
    return {
        (method, path): resolved(document, operation)
        for path, operations_of in document["paths"].items()
        for method, operation in operations_of.items()
    }


def schema_of(part: Json) -> Json | None:
    """Of a body or an answer."""
    content = part.get("content")
    return content["application/json"]["schema"] if content else None


class DocumentTest(base.TestCase):
    def test_it_is_valid_openapi(self) -> None:
        for version in microversion.VERSIONS:
            document = openapi.document(ALL, version)
            errors = spec.OpenAPIV31SpecValidator(document).iter_errors()
            self.assertEqual([], [e.message for e in errors], version)
            self.assertEqual(str(version), document["info"]["version"])

    def test_the_sample_is_valid(self) -> None:
        sample = json.loads((source.ROOT / SAMPLE).read_text("utf-8"))
        found = spec.OpenAPIV31SpecValidator(sample).iter_errors()
        self.assertEqual([], [e.message for e in found])
        whole = openapi.document(ALL, microversion.MAXIMUM)
        for path, operation in sample["paths"].items():
            for method, shown in operation.items():
                self.assertEqual(
                    resolved(whole, whole["paths"][path][method]),
                    resolved(sample, shown),
                    "the sample is out of date",
                )

    def test_every_route_is_in_it_and_nothing_more(self) -> None:
        wanted = {(r.method.lower(), openapi.path(r)) for r in ALL}
        for version in microversion.VERSIONS:
            self.assertEqual(wanted, set(described(version)))

    def test_every_route_has_a_name_of_its_own_and_a_summary(self) -> None:
        found = described(microversion.MAXIMUM).values()
        names = [operation["operationId"] for operation in found]
        self.assertEqual(len(names), len(set(names)))
        for operation in found:
            self.assertRegex(operation["operationId"], r"\A[a-z0-9_]+\Z")
            self.assertRegex(operation["summary"], r"\A[A-Z].{4,70}[^.]\Z")

    def test_every_schema_that_is_declared_is_in_it(self) -> None:
        for version in microversion.VERSIONS:
            found = described(version)
            for route in ALL:
                declared = validation.declaration(route.handler)
                key = (route.method.lower(), openapi.path(route))
                self._compare(declared, version, found[key], key)

    def _compare(
        self,
        declared: validation.Declaration,
        version: microversion.Version,
        shown: Json,
        key: Any,
    ) -> None:
        body = validation.fitting(declared.bodies, version)
        self.assertEqual(body is not None, "requestBody" in shown, key)
        query = validation.fitting(declared.queries, version)
        given = {p["name"]: p for p in shown["parameters"]}
        by_place = {
            place: {n for n, p in given.items() if p["in"] == place}
            for place in ("path", "query", "header")
        }
        known = query.schema["properties"] if query else {}
        self.assertEqual(set(known), by_place["query"], key)
        for name, schema in known.items():
            self.assertEqual(schema, given[name]["schema"], key)
        self.assertEqual(
            set(re.findall(r"\{(\w+)\}", key[1])), by_place["path"], key
        )
        self.assertEqual(
            {*declared.headers, microversion.HEADER}, by_place["header"], key
        )
        for status, schemas in declared.responses.items():
            wanted = validation.fitting(schemas, version)
            answer = shown["responses"][str(status)]
            schema = wanted.schema if wanted else None
            schema = None if schema == types.NOTHING else schema
            self.assertEqual(schema, schema_of(answer), (key, status))

    def test_the_body_is_the_one_that_is_checked(self) -> None:
        found = described(microversion.MAXIMUM)
        for route in ALL:
            declared = validation.declaration(route.handler)
            body = validation.fitting(declared.bodies, microversion.MAXIMUM)
            if body is None or route.template.endswith("/action"):
                continue
            key = (route.method.lower(), openapi.path(route))
            shown = schema_of(found[key]["requestBody"])
            self.assertEqual(body.schema, shown, key)

    def test_actions_are_alternatives(self) -> None:
        found = described(microversion.MAXIMUM)
        for path, wanted in (
            (ACTION, actions.VERBS),
            (OPERATION_ACTION, operations.ACTIONS),
        ):
            schema = schema_of(found[("post", path)]["requestBody"])
            alternatives = {}
            for alternative in schema["oneOf"]:
                (verb,) = alternative["required"]
                alternatives[verb] = alternative["properties"][verb]
            self.assertEqual(wanted, alternatives)

    def test_refusals_have_the_one_body(self) -> None:
        for key, shown in described(microversion.MAXIMUM).items():
            public = shown.get("security") == []
            refusals = {c for c in shown["responses"] if int(c) >= 400}
            self.assertEqual(not public, "401" in refusals, key)
            for code in refusals:
                error = schema_of(shown["responses"][code])
                self.assertIn(
                    "reason", error["properties"]["error"]["required"]
                )

    def test_each_answer_names_its_headers(self) -> None:
        for key, shown in described(microversion.MAXIMUM).items():
            for code, answer in shown["responses"].items():
                headers = set(answer["headers"])
                self.assertIn("X-Openstack-Request-Id", headers, key)
                self.assertIn(microversion.HEADER, headers, key)
                self.assertEqual(code in ("201", "202"), "Location" in headers)
                self.assertEqual(
                    code in ("202", "503"), "Retry-After" in headers, key
                )

    def test_each_schema_has_its_own_name(self) -> None:
        named: dict[str, str] = {}
        for schema, name in openapi._Shared()._names.items():
            self.assertNotIn(name, named.values(), schema)
            named[schema] = name


class ServedTest(served.ApiTest):
    OPTIONS = {"auth_strategy": "keystone"}

    def test_anybody_gets_the_version_that_was_asked_for(self) -> None:
        for version in ("1.1", "1.2"):
            shown = self.ok(
                self.ask("GET", "/v1/openapi.json", version=version)
            )
            self.assertEqual(version, shown["info"]["version"])
            self.assertEqual([{"url": self.served.url}], shown["servers"])
            found = spec.OpenAPIV31SpecValidator(shown).iter_errors()
            self.assertEqual([], [e.message for e in found])

    def test_an_unchanged_one_is_not_sent_again(self) -> None:
        first = self.ask("GET", "/v1/openapi.json")
        headers = {"If-None-Match": first.headers["ETag"]}
        again = self.ask("GET", "/v1/openapi.json", headers=headers)
        self.assertEqual((304, b""), (again.status_code, again.content))
        other = self.ask(
            "GET", "/v1/openapi.json", headers=headers, version="1.1"
        )
        self.ok(other)
