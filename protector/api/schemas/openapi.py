# SPDX-License-Identifier: Apache-2.0
"""Schema of the OpenAPI document, as far as it is ours to promise."""

from protector.api.schemas import types

DOCUMENT = types.answer(
    openapi=types.STRING,
    info=types.OBJECT,
    servers=types.ARRAY,
    security=types.ARRAY,
    paths=types.OBJECT,
    components=types.OBJECT,
)
