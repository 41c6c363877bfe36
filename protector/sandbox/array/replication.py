# SPDX-License-Identifier: Apache-2.0
"""The wire between arrays: ``/replication/...``.

Internal to the emulation; real arrays have their own. A caller proves itself
with the secret that was made when the arrays were connected. Over a link that
is cut on this side nothing is answered but 503.
"""

from typing import Any

from werkzeug.wrappers import Request, Response

from protector.sandbox.array import errors, params
from protector.sandbox.array.flasharray import Array
from protector.sandbox.array.rest1 import refusal, reply


class Replication:
    """Answers other arrays."""

    def __init__(self, array: Array) -> None:
        self._array = array

    def answer(self, request: Request) -> Response:
        """Answer one request."""
        parts = request.path.strip("/").split("/")[1:]
        try:
            if (request.method, parts) == ("POST", ["connect"]):
                message = params.body(request)
                return reply(self._array.links.accept(message))
            origin = self._array.links.authenticate(request.headers)
            if self._array.links.row(origin)["cut"]:
                return reply([], 503)
            return reply(self._carry_out(request, origin, parts))
        except errors.ArrayError as error:
            return refusal(error)

    def _carry_out(
        self, request: Request, origin: str, parts: list[str]
    ) -> dict[str, Any]:
        receiver = self._array.receiver
        match (request.method, *parts):
            case ("GET", "ping"):
                return {}
            case ("DELETE", "connect"):
                self._array.links.forget(origin)
                return {}
            case ("POST", "groups"):
                return receiver.announce(origin, params.body(request))
            case ("POST", "allowed"):
                return receiver.allowed(origin, params.body(request))
            case ("POST", "pods"):
                return self._array.stretch.receive(params.body(request))
            case ("POST", "transfers"):
                return receiver.begin(origin, params.body(request))
            case (_, "transfers", transfer, *rest):
                return self._transfer(request, origin, transfer, rest)
        raise errors.NotFound("No such resource.", request.path)

    def _transfer(
        self, request: Request, origin: str, transfer: str, rest: list[str]
    ) -> dict[str, Any]:
        receiver = self._array.receiver
        match rest:
            case [] if request.method == "DELETE":
                return receiver.drop(transfer)
            case ["volumes", serial]:
                chunks = params.body(request)["chunks"]
                return receiver.manifest(origin, transfer, serial, chunks)
            case ["volumes", serial, "data"]:
                offset = int(request.args["offset"])
                data = request.get_data()
                return receiver.chunk(transfer, serial, offset, data)
            case ["progress"]:
                done = float(params.body(request)["progress"])
                return receiver.progress(transfer, done)
            case ["complete"]:
                body = params.body(request)
                return receiver.complete(origin, transfer, body)
        raise errors.NotFound("No such resource.", request.path)
