# SPDX-License-Identifier: Apache-2.0
"""Keep passwords and secrets as hashes, and compare them."""

import hashlib
import hmac
import secrets

_COST = 2**10


def _hash(password: str, salt: bytes) -> str:
    return hashlib.scrypt(
        password.encode(), salt=salt, n=_COST, r=8, p=1
    ).hex()


def hashed(password: str) -> str:
    """Return salt and hash of a password (cheap: it is a sandbox)."""
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}${_hash(password, salt)}"


def matches(password: str, stored: str | None) -> bool:
    """Tell whether a password is the one that was hashed."""
    if not stored or not isinstance(password, str):
        return False
    salt, _, digest = stored.partition("$")
    return hmac.compare_digest(_hash(password, bytes.fromhex(salt)), digest)
