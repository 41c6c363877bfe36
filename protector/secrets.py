# SPDX-License-Identifier: Apache-2.0
"""Sealing of credentials at rest with Fernet keys from a directory.

The keys are files whose names are numbers: the highest seals, all open, so a
new key is added first and the old ones removed after ``reseal``.
"""

from collections.abc import Iterator
import contextlib
import os
import pathlib

from cryptography import fernet

from protector import exception


class Sealer:
    """Seal and open short texts.

    :param repository: directory of the key files.
    """

    def __init__(self, repository: str) -> None:
        self._repository = pathlib.Path(repository)

    def seal(self, text: str) -> str:
        return self._keys().encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """:raises ProtectorError: no key of the repository opens it."""
        with self._told():
            return self._keys().decrypt(sealed.encode()).decode()

    def reseal(self, sealed: str) -> str:
        """The same, sealed by the newest key.

        :raises ProtectorError: no key of the repository opens it.
        """
        with self._told():
            return self._keys().rotate(sealed.encode()).decode()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except fernet.InvalidToken:
            raise exception.ProtectorError(
                "A stored credential cannot be opened with the keys in "
                f"{self._repository}.",
                remedy="Bring back the key file that sealed it, or set the "
                "credential again.",
            ) from None

    def _keys(self) -> fernet.MultiFernet:
        names = sorted(key_numbers(self._repository), reverse=True)
        if not names:
            raise exception.ProtectorError(
                f"There is no key in {self._repository}.",
                remedy="Run 'protector-manage secrets setup'.",
            )
        return fernet.MultiFernet(
            [_key(self._repository / str(number)) for number in names]
        )


def _key(path: pathlib.Path) -> fernet.Fernet:
    try:
        return fernet.Fernet(path.read_bytes())
    except ValueError:
        raise exception.ProtectorError(
            f"The file {path} holds no Fernet key.",
            remedy="Bring the key file back, or remove it.",
        ) from None


def key_numbers(repository: pathlib.Path) -> list[int]:
    """The names that are numbers, as ``add_key`` writes them."""
    if not repository.is_dir():
        return []
    names = [p.name for p in repository.iterdir()]
    return [int(n) for n in names if n.isascii() and n.isdecimal()]


def add_key(repository: str) -> int:
    """Write a new key, readable by its owner only; its number."""
    path = pathlib.Path(repository)
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    number = max(key_numbers(path), default=0) + 1
    handle = os.open(
        path / str(number), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600
    )
    with os.fdopen(handle, "wb") as f:
        f.write(fernet.Fernet.generate_key())
    return number
