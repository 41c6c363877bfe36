# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI 3.1 document, made of what the routes declare.

It repeats the schemas that requests and answers are held to, and knows no
route by itself.
"""

from collections.abc import Iterable
import copy
import inspect
import json
import re
from typing import Any

from protector.api import microversion, routes, validation
from protector.api.schemas import (
    actions,
    consistency_groups,
    errors,
    health,
    members,
    metadata_sync,
    operations,
    peer,
    protection_groups,
    replication_policies,
    resource_mappings,
    sites,
    tenant_mappings,
    types,
)

Json = dict[str, Any]
Version = microversion.Version

OPENAPI = "3.1.0"
TOKEN = "X-Auth-Token"  # noqa: S105 - the header, not a token
# the ids in paths, where they are not called after their controller
_RENAMED = {"group": "protection_group_id"}
_SHARED = (
    types,
    errors,
    actions,
    consistency_groups,
    health,
    members,
    metadata_sync,
    operations,
    peer,
    protection_groups,
    replication_policies,
    resource_mappings,
    sites,
    tenant_mappings,
)
_ERRORS = {
    400: "The request is malformed, or names what does not exist.",
    401: "The request has no valid token.",
    403: "Policy does not allow the request, or a quota is exhausted.",
    404: "There is no such resource that the caller may see.",
    406: "The microversion is not served, or the answer is not JSON.",
    409: "The request conflicts with the state of the resource.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    503: "A service that is needed does not answer; nothing was changed.",
}
# what a request without a token can be told
_PUBLIC_ERRORS = (400, 406, 413, 415)
_SUCCESS = {
    200: "The request was successful.",
    201: "The resource was created.",
    202: "The request was accepted; the operation carries it out.",
    204: "The request was successful and there is nothing to say.",
}
_HEADERS: dict[str, Json] = {
    microversion.HEADER: {
        "description": "The microversion that was served.",
        "required": True,
        "schema": types.STRING,
    },
    "X-Openstack-Request-Id": {
        "description": "Names the request in the logs.",
        "required": True,
        "schema": types.STRING,
    },
    "Location": {
        "description": "The resource, or the operation to follow.",
        "schema": {"type": "string", "format": "uri"},
    },
    "Retry-After": {
        "description": "Seconds until it is worth asking again.",
        "schema": types.INTEGER,
    },
}
_EVERY = (microversion.HEADER, "X-Openstack-Request-Id")


def path(route: routes.Route) -> str:
    """The route's path as it is documented: ids end in ``_id``."""
    return re.sub(
        r"\{(\w+)\}",
        lambda m: f"{{{_RENAMED.get(m[1], m[1] + '_id')}}}",
        route.template,
    )


def document(found: Iterable[routes.Route], version: Version) -> Json:
    """The API of one microversion, without ``servers``.

    :param found: the routes to describe.
    """
    paths: Json = {}
    for route in found:
        shown = _operation(route, version)
        paths.setdefault(path(route), {})[route.method.lower()] = shown
    shared = _Shared()
    paths = shared.refer(paths)
    refusals = {str(code): _error(shared, code) for code in _ERRORS}
    return {
        "openapi": OPENAPI,
        "info": {
            "title": "Protector",
            "summary": "Disaster recovery of servers between two clouds.",
            "description": f"Microversion {version} of version 1.",
            "version": str(version),
        },
        "security": [{TOKEN: []}],
        "paths": paths,
        "components": {
            "schemas": shared.components(),
            "responses": refusals,
            "headers": _HEADERS,
            "parameters": {microversion.HEADER: _asked(version)},
            "securitySchemes": {
                TOKEN: {
                    "type": "apiKey",
                    "in": "header",
                    "name": TOKEN,
                    "description": "A token of Keystone.",
                }
            },
        },
    }


def _operation(route: routes.Route, version: Version) -> Json:
    declared = validation.declaration(route.handler)
    controller, _, method = route.handler.__qualname__.rpartition(".")
    lines = (inspect.getdoc(route.handler) or "").partition("\n")
    shown: Json = {
        "operationId": f"{_snake(controller)}_{method}",
        "tags": [route.handler.__module__.rpartition(".")[2].strip("_")],
        "summary": lines[0].rstrip("."),
        "parameters": [*_parameters(route, declared, version)],
        "responses": _responses(route, declared, version),
    }
    if lines[2].strip():
        shown["description"] = lines[2].strip()
    if declared.public:
        shown["security"] = []
    body = validation.fitting(declared.bodies, version)
    if body is not None:
        wanted = _one_of(body.shown or body.schema)
        shown["requestBody"] = {
            # a tombstone may be left out, all else not
            "required": types.NOTHING not in wanted.get("anyOf", ()),
            "content": _json(wanted),
        }
    return shown


def _snake(controller: str) -> str:
    name = controller.removesuffix("Controller")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _parameters(
    route: routes.Route, declared: validation.Declaration, version: Version
) -> Iterable[Json]:
    yield {"$ref": f"#/components/parameters/{microversion.HEADER}"}
    for name in re.findall(r"\{(\w+)\}", path(route)):
        schema = types.PROJECT if name == "tenant_id" else types.UUID
        yield _parameter(name, "path", schema, required=True)
    for name, schema in declared.headers.items():
        yield _parameter(name, "header", schema, required=True)
    query = validation.fitting(declared.queries, version)
    if query is not None:
        for name, schema in query.schema["properties"].items():
            yield _parameter(name, "query", schema)


def _parameter(
    name: str, place: str, schema: Json, required: bool = False
) -> Json:
    return {"name": name, "in": place, "required": required, "schema": schema}


def _asked(version: Version) -> Json:
    """The header that leads to what this document describes."""
    schema = {"const": f"{microversion.SERVICE} {version}"}
    required = version != microversion.MINIMUM
    return _parameter(microversion.HEADER, "header", schema, required)


def _responses(
    route: routes.Route, declared: validation.Declaration, version: Version
) -> Json:
    shown: Json = {}
    for status, schemas in sorted(declared.responses.items()):
        schema = validation.fitting(schemas, version)
        if schema is None:
            continue
        headers = list(_EVERY)
        headers += ["Location"] if status in (201, 202) else []
        headers += ["Retry-After"] if status == 202 else []
        shown[str(status)] = {
            "description": _SUCCESS[status],
            "headers": _headers(headers),
        }
        if schema.schema != types.NOTHING:
            shown[str(status)]["content"] = _json(schema.schema)
    for code in _PUBLIC_ERRORS if declared.public else _ERRORS:
        if code == 409 and route.method == "GET" and "{" not in route.template:
            continue
        shown[str(code)] = {"$ref": f"#/components/responses/{code}"}
    return shown


def _error(shared: "_Shared", code: int) -> Json:
    headers = [*_EVERY, "Retry-After"] if code == 503 else _EVERY
    return {
        "description": _ERRORS[code],
        "headers": _headers(headers),
        "content": shared.refer(_json(errors.ERROR)),
    }


def _headers(names: Iterable[str]) -> Json:
    return {n: {"$ref": f"#/components/headers/{n}"} for n in names}


def _json(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


def _one_of(schema: Json) -> Json:
    """An object with exactly one of several keys as alternatives."""
    if (schema.get("minProperties"), schema.get("maxProperties")) != (1, 1):
        return schema
    alternatives = schema["properties"].items()
    return {"oneOf": [types.envelope(name, s) for name, s in alternatives]}


class _Shared:
    """The schemas with a name, and which of them were referred to.

    Names are those of the constants: ``sites.CREATE`` is ``SitesCreate``.
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        for module in _SHARED:
            stem = module.__name__.rpartition(".")[2]
            for constant, schema in vars(module).items():
                if constant.isupper() and _is_object(schema):
                    name = _component(stem, constant)
                    self._names.setdefault(_text(schema), name)
        self._used: dict[str, Json] = {}

    def refer(self, value: Any) -> Any:
        """A copy in which each schema with a name is a reference."""
        if isinstance(value, list):
            return [self.refer(item) for item in value]
        if not isinstance(value, dict):
            return value
        name = self._names.get(_text(value)) if "type" in value else None
        if name is None:
            return {k: self.refer(v) for k, v in value.items()}
        if name not in self._used:
            self._used[name] = {}
            whole = {k: self.refer(v) for k, v in value.items()}
            self._used[name] = whole
        return {"$ref": f"#/components/schemas/{name}"}

    def components(self) -> Json:
        return copy.deepcopy(dict(sorted(self._used.items())))


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and len(value) > 1 and "type" in value


def _text(schema: Json) -> str:
    return json.dumps(schema, sort_keys=True)


def _component(stem: str, constant: str) -> str:
    words = constant.lower()
    if stem not in ("types", "errors") and not stem.startswith(words):
        words = f"{stem}_{words}"
    return "".join(word.title() for word in words.split("_"))
