# SPDX-License-Identifier: Apache-2.0
"""The list of routes: complete, declared, and none answers with a 500."""

import re
from typing import ClassVar

from protector import policies
from protector.api import microversion, routes, validation
from protector.api.controllers import root
from protector.api.schemas import actions, operations, peer, sites
from protector.tests import base
from protector.tests.functional.rbac import matrix
from protector.tests.unit.api import served

ALL = routes.walk(root.RootController())
READS = [route for route in ALL if route.method == "GET"]
# what a route with this method must not lack
WITH_BODY = ("POST", "PUT")
# of those, the ones that are asked without a body
WITHOUT = ("/sync-force",)


def rule_paths() -> dict[str, set[str]]:
    """The operations that each rule documents, ids without their names."""
    found = {}
    for rule in policies.list_rules():
        operations = getattr(rule, "operations", [])
        found[rule.name] = {
            f"{o['method']} {plain(o['path'].split(' ')[0])}"
            for o in operations
        }
    return found


def plain(template: str) -> str:
    return re.sub(r"\{\w+\}", "{}", template)


class DeclarationTest(base.TestCase):
    def test_every_route_is_declared(self) -> None:
        missing = []
        for route in ALL:
            declared = validation.declaration(route.handler)
            name = f"{route.method} {route.template}"
            if not (declared.public or declared.rules):
                missing.append(f"{name}: no rule")
            if not declared.responses:
                missing.append(f"{name}: no schema of an answer")
            if (
                route.method in WITH_BODY
                and not declared.bodies
                and not route.template.endswith(WITHOUT)
            ):
                missing.append(f"{name}: no schema of the body")
        self.assertEqual([], missing)

    def test_every_rule_documents_the_routes_that_ask_it(self) -> None:
        asked: dict[str, set[str]] = {}
        for route in ALL:
            name = f"{route.method} {plain(route.template)}"
            for rule in validation.declaration(route.handler).rules:
                asked.setdefault(rule, set()).add(name)
        told = {rule: paths for rule, paths in rule_paths().items() if paths}
        self.assertEqual(asked, told)

    def test_every_version_has_its_schemas(self) -> None:
        for route in ALL:
            declared = validation.declaration(route.handler)
            for version in microversion.VERSIONS:
                kinds = [declared.bodies, declared.queries]
                for schemas in (*kinds, *declared.responses.values()):
                    fitting = [s for s in schemas if s.fits(version)]
                    wanted = 1 if schemas else 0
                    self.assertEqual(wanted, len(fitting), (route, version))

    def test_every_list_has_a_query(self) -> None:
        """And nothing else that is only read."""
        for route in READS:
            declared = validation.declaration(route.handler)
            pages = [
                schema
                for schema in declared.responses.get(200, [])
                if any(
                    name.endswith("_links")
                    for name in schema.schema.get("properties", ())
                )
            ]
            self.assertEqual(bool(pages), bool(declared.queries), route)

    def test_lists_can_be_paged(self) -> None:
        for route in READS:
            declared = validation.declaration(route.handler)
            for schema in declared.queries:
                known = set(schema.schema["properties"])
                self.assertTrue(
                    {"limit", "marker", "sort_key", "sort_dir"} <= known,
                    route.template,
                )


class MatrixTest(base.TestCase):
    """``matrix.yaml`` of the functional tests has no hole."""

    # where the body of a route says what is done
    VERBS: ClassVar[dict[str, set[str]]] = {
        "/v1/admin/sites/{site}/action": set(sites.ACTIONS),
        "/v1/{tenant}/protection-groups/{group}/action": set(actions.VERBS),
        "/v1/{tenant}/operations/{operation}/action": set(operations.ACTIONS),
        "/v1/peer/groups/{group}/action": set(
            peer.ACTION["properties"]["verb"]["enum"]
        ),
    }

    def test_every_route_and_verb_has_its_row(self) -> None:
        real = {
            (f"{route.method} {route.template}", verb)
            for route in ALL
            for verb in self.VERBS.get(route.template, {None})
        }
        rows = {(row.route, row.action) for row in matrix.load().rows}
        self.assertEqual(real, rows)

    def test_every_person_has_an_answer(self) -> None:
        told = matrix.load()
        for name, answers in told.answers.items():
            self.assertEqual(set(told.people), set(answers), name)


class TableTest(served.ApiTest):
    def test_nothing_answers_with_a_500(self) -> None:
        """Every route, with ids of nothing and odd bodies."""
        unknown = "00000000-0000-4000-8000-000000000000"
        for route in ALL:
            path = re.sub(
                r"\{(\w+)\}",
                lambda m: "p-here" if m[1] == "tenant" else unknown,
                route.template,
            )
            for body in (None, {}, [], "x", {"a": {"b": None}}):
                answer = self.ask(
                    route.method,
                    path,
                    body,
                    roles="admin,member,reader,service",
                    headers={"X-User-Name": "protector"},
                )
                self.assertLess(
                    answer.status_code, 500, f"{route} {answer.text}"
                )

    def test_nothing_takes_what_it_does_not_know(self) -> None:
        """Every route: a parameter, and a body where none is declared."""
        unknown = "00000000-0000-4000-8000-000000000000"
        for route in ALL:
            path = re.sub(
                r"\{(\w+)\}",
                lambda m: "p-here" if m[1] == "tenant" else unknown,
                route.template,
            )
            answer = self.ask(route.method, f"{path}?no_such=1")
            error = self.refused(answer, 400, "BadRequest")
            self.assertIn("no_such", error["message"])
            if not validation.declaration(route.handler).bodies:
                answer = self.ask(route.method, path, {"no_such": 1})
                error = self.refused(answer, 400, "BadRequest")
                self.assertIn("no_such", error["message"])

    def test_every_method_that_is_not_there(self) -> None:
        unknown = "00000000-0000-4000-8000-000000000000"
        by_template: dict[str, set[str]] = {}
        for route in ALL:
            methods = by_template.setdefault(route.template, set())
            methods.add(route.method)
        for template, methods in by_template.items():
            path = re.sub(
                r"\{(\w+)\}",
                lambda m: "p-here" if m[1] == "tenant" else unknown,
                template,
            )
            for method in {"GET", "POST", "PUT", "DELETE"} - methods:
                answer = self.ask(method, path)
                self.refused(answer, 405, "MethodNotAllowed")
                allow = answer.headers["Allow"].split(", ")
                self.assertEqual(methods, set(allow), template)
