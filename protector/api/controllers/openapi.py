# SPDX-License-Identifier: Apache-2.0
"""``/v1/openapi.json``: what the API takes and answers."""

from collections.abc import Callable
import functools
import hashlib
import json
from typing import Any

from pecan import rest

from protector.api import call as calls
from protector.api import microversion, openapi, routes, validation
from protector.api.expose import expose
from protector.api.schemas import openapi as schemas


class OpenapiController(rest.RestController):
    """:param walk: finds the routes of the whole tree."""

    def __init__(self, walk: Callable[[], list[routes.Route]]) -> None:
        self._document = functools.cache(
            lambda version: openapi.document(walk(), version)
        )

    @expose
    @validation.public
    @validation.response(200, schemas.DOCUMENT)
    def get_all(self, call: calls.Call) -> calls.Answer:
        """Show the OpenAPI document of a microversion.

        The version is the one that ``OpenStack-API-Version`` asks for, and
        is told in ``info``.
        """
        shown = {**self._of(call.version), "servers": [{"url": call.url}]}
        summed = hashlib.sha256(json.dumps(shown).encode())
        return calls.Answer(shown, etag=summed.hexdigest()[:32])

    def _of(self, version: microversion.Version) -> dict[str, Any]:
        return self._document(version)
