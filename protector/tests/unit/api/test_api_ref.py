# SPDX-License-Identifier: Apache-2.0
"""The API reference says of every route what the code declares of it."""

from collections.abc import Iterator
import dataclasses
import functools
import json
import pathlib
import re
from typing import Any

import jsonschema
import yaml

from protector.api import microversion, openapi, routes, validation
from protector.api.controllers import root
from protector.api.schemas import actions, types
from protector.tests import base, source

Json = dict[str, Any]
Key = tuple[str, str]

SOURCE = source.ROOT / "api-ref" / "source"
# answered before the tree of controllers
BESIDE_THE_TREE = {("GET", "/healthcheck")}
GROUP_ACTION = "/v1/{tenant_id}/protection-groups/{protection_group_id}/action"

_METHOD = re.compile(r"^\.\. rest_method:: (\S+) (\S+)$", re.MULTILINE)
_SAMPLE = re.compile(r"^\.\. literalinclude:: (samples/\S+)$", re.MULTILINE)
_PART = re.compile(r"^(Request|Response)\n-+$", re.MULTILINE)
_PARAMETER = re.compile(r"^   - (\S+): (\S+)$", re.MULTILINE)
_STATUS = re.compile(r"^   - (\d{3})$", re.MULTILINE)
_VERSION = re.compile(r"-v(\d+)\.(\d+)\.json$")


@dataclasses.dataclass(frozen=True)
class Section:
    """What a page says of one route."""

    page: str
    head: str
    request: str
    response: str

    def parameters(self, part: str) -> dict[str, str]:
        """Names, and what they refer to in parameters.yaml."""
        return dict(_PARAMETER.findall(getattr(self, part)))

    def samples(self, part: str) -> list[pathlib.Path]:
        found = _SAMPLE.findall(getattr(self, part))
        return [SOURCE / name for name in found]

    def statuses(self, kind: str) -> set[int]:
        """:param kind: success or error."""
        block = self.head.split(f"rest_status_code:: {kind} ")
        if len(block) == 1:
            return set()
        text = block[1].split(".. ")[0]
        return {int(code) for code in _STATUS.findall(text)}


@functools.cache
def sections() -> dict[Key, Section]:
    """All that the pages describe, by method and path."""
    found: dict[Key, Section] = {}
    for page in sorted(SOURCE.glob("*.inc")):
        text = page.read_text("utf-8")
        matches = list(_METHOD.finditer(text))
        ends = [m.start() for m in matches[1:]] + [len(text)]
        for match, end in zip(matches, ends, strict=True):
            head, *parts = _PART.split(text[match.end() : end])
            named = dict(zip(parts[::2], parts[1::2], strict=True))
            key = (match[1], match[2])
            if key in found:
                raise AssertionError(f"{key} is in {page.name} once more")
            found[key] = Section(
                page.stem,
                head,
                named.get("Request", ""),
                named.get("Response", ""),
            )
    return found


def _key(route: routes.Route) -> Key:
    return route.method, openapi.path(route)


@functools.cache
def declared() -> dict[Key, validation.Declaration]:
    """What the code declares, by method and path."""
    return {
        _key(route): validation.declaration(route.handler)
        for route in routes.walk(root.RootController())
    }


def described() -> Iterator[tuple[Key, validation.Declaration, Section],]:
    for key, declaration in declared().items():
        yield key, declaration, sections()[key]


def _version(sample: pathlib.Path) -> microversion.Version:
    found = _VERSION.search(sample.name)
    if found is None:
        return microversion.MAXIMUM
    return microversion.Version(int(found[1]), int(found[2]))


def _error(schema: Json, sample: pathlib.Path) -> str | None:
    validator = jsonschema.Draft202012Validator(
        schema, format_checker=types.FORMATS
    )
    value = json.loads(sample.read_text("utf-8"))
    error = next(validator.iter_errors(value), None)
    return None if error is None else f"{sample.name}: {error.message}"


def _responses(
    declaration: validation.Declaration,
) -> list[validation.Schema]:
    """All schemas of answers that have a body."""
    return [
        schema
        for of_status in declaration.responses.values()
        for schema in of_status
        if schema.schema != types.NOTHING
    ]


def _fitting(
    declaration: validation.Declaration, sample: pathlib.Path
) -> list[validation.Schema]:
    """The schemas that a sample of an answer is right for."""
    return [
        schema
        for schema in _responses(declaration)
        if schema.fits(_version(sample))
        and _error(schema.schema, sample) is None
    ]


def _core(schema: Json) -> Json:
    """The schema without the alternative null."""
    while "anyOf" in schema:
        schema = next(s for s in schema["anyOf"] if s != types.NOTHING)
    return schema


def _names(schema: Json) -> set[str]:
    """The keys of a body, and those of its objects one level below."""
    found: set[str] = set()
    for name, value in _core(schema).get("properties", {}).items():
        found.add(name)
        if name.endswith("_links"):
            continue
        inner = _core(value)
        if inner.get("type") == "array":
            inner = _core(inner.get("items", {}))
        found |= set(inner.get("properties", {}))
    return found


def _body(key: Key, declaration: validation.Declaration) -> set[str]:
    found = set().union(*(_names(s.schema) for s in declaration.bodies))
    if key == ("POST", GROUP_ACTION):
        # looked up by hand, see there
        found |= set(actions.VERBS)
    return found


@functools.cache
def parameters() -> Json:
    """The entries of parameters.yaml."""
    text = (SOURCE / "parameters.yaml").read_text("utf-8")
    return yaml.safe_load(text)


class ApiRefTest(base.TestCase):
    def test_each_route_has_one_section_and_each_section_a_route(self) -> None:
        self.assertEqual(
            set(declared()) | BESIDE_THE_TREE, set(sections().keys())
        )

    def test_each_page_is_part_of_the_index(self) -> None:
        index = (SOURCE / "index.rst").read_text("utf-8")
        self.assertEqual(
            sorted(p.name for p in SOURCE.glob("*.inc")),
            sorted(re.findall(r"^\.\. include:: (\S+)$", index, re.M)),
        )

    def test_the_statuses_are_those_that_are_declared(self) -> None:
        for key, declaration, section in described():
            self.assertEqual(
                set(declaration.responses), section.statuses("success"), key
            )
            refusals = section.statuses("error")
            self.assertEqual(declaration.public, not refusals, key)
            self.assertEqual(declaration.public, 401 not in refusals, key)

    def test_the_request_names_ids_query_and_body(self) -> None:
        entries = parameters()
        for key, declaration, section in described():
            given = section.parameters("request")
            by_place: dict[str, set[str]] = {}
            for name, entry in given.items():
                place = entries[entry]["in"]
                by_place.setdefault(place, set()).add(name)
            by_place.pop("header", None)
            query = set().union(
                *(s.schema["properties"] for s in declaration.queries)
            )
            wanted = {
                "path": set(re.findall(r"\{(\w+)\}", key[1])),
                "query": query,
                "body": _body(key, declaration),
            }
            self.assertEqual(
                {k: v for k, v in wanted.items() if v}, by_place, key
            )

    def test_the_response_names_every_key(self) -> None:
        entries = parameters()
        for key, declaration, section in described():
            given = {
                name
                for name, entry in section.parameters("response").items()
                if entries[entry]["in"] == "body"
            }
            wanted = {
                name
                for schemas in declaration.responses.values()
                for s in schemas
                for name in _names(s.schema)
            }
            self.assertEqual(wanted, given, key)

    def test_each_sample_of_a_request_is_taken(self) -> None:
        for key, declaration, section in described():
            samples = section.samples("request")
            if key[0] != "DELETE":
                self.assertEqual(bool(declaration.bodies), bool(samples), key)
            for sample in samples:
                wrong = [_error(s.schema, sample) for s in declaration.bodies]
                self.assertEqual([None], wrong, key)

    def test_each_action_of_a_group_has_a_sample(self) -> None:
        section = sections()[("POST", GROUP_ACTION)]
        seen = set()
        for sample in section.samples("request"):
            body = json.loads(sample.read_text("utf-8"))
            (verb,) = set(body) - {"dry_run"}
            jsonschema.Draft202012Validator(
                actions.VERBS[verb], format_checker=types.FORMATS
            ).validate(body[verb])
            seen.add(verb)
        self.assertEqual(set(actions.VERBS), seen)

    def test_each_sample_of_a_response_is_as_declared(self) -> None:
        for key, declaration, section in described():
            newest = [
                s
                for s in _responses(declaration)
                if s.fits(microversion.MAXIMUM)
            ]
            for sample in section.samples("response"):
                fitting = _fitting(declaration, sample)
                self.assertNotEqual([], fitting, f"{key}: {sample.name}")
                newest = [s for s in newest if s not in fitting]
            self.assertEqual([], newest, f"{key} lacks a sample")

    def test_what_older_versions_answer_has_a_sample_somewhere(self) -> None:
        wanted, seen = [], []
        for _key, declaration, section in described():
            wanted += [
                s
                for s in _responses(declaration)
                if not s.fits(microversion.MAXIMUM)
            ]
            for sample in section.samples("response"):
                seen += _fitting(declaration, sample)
        self.assertEqual([], [s for s in wanted if s not in seen])

    def test_each_sample_is_shown(self) -> None:
        shown = {
            sample
            for section in sections().values()
            for part in ("request", "response")
            for sample in section.samples(part)
        }
        self.assertEqual(shown, set((SOURCE / "samples").rglob("*.*")))

    def test_the_samples_of_a_page_are_in_its_folder(self) -> None:
        for key, section in sections().items():
            for part in ("request", "response"):
                for sample in section.samples(part):
                    self.assertEqual(section.page, sample.parent.name, key)

    def test_each_parameter_is_used(self) -> None:
        used = {
            entry
            for section in sections().values()
            for part in ("request", "response")
            for entry in section.parameters(part).values()
        }
        self.assertEqual(used, set(parameters()))
