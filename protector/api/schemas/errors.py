# SPDX-License-Identifier: Apache-2.0
"""Schema of the one body of every refusal."""

from protector.api.schemas import types

ERROR = types.envelope(
    "error",
    types.record(
        ("code", "title", "message", "reason", "details", "request_id"),
        code=types.integer(400, 599),
        title=types.STRING,
        message=types.STRING,
        reason=types.STRING,
        details=types.OBJECT,
        request_id=types.nullable(types.STRING),
        min_version=types.STRING,
        max_version=types.STRING,
    ),
)
