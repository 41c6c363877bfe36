# SPDX-License-Identifier: Apache-2.0
"""The same stem names a thing in every layer."""

from collections.abc import Iterator
import pathlib

from protector.tests import base, source

STEMS = (
    "sites",
    "tenant_mappings",
    "protection_groups",
    "consistency_groups",
    "members",
    "replication_policies",
    "resource_mappings",
    "operations",
    "metadata_sync",
    "health",
)

# A folder of the grid, how its files end, and what else may live there: files
# that serve all things, not one.
FOLDERS: dict[str, tuple[str, frozenset[str]]] = {
    "protector/api/controllers": (
        ".py",
        frozenset({"root", "v1", "admin", "actions", "openapi", "peer"}),
    ),
    "protector/api/schemas": (
        ".py",
        frozenset({"types", "actions", "errors", "openapi", "peer"}),
    ),
    "protector/api/views": (".py", frozenset({"links", "peer", "versions"})),
    "protector/policies": (".py", frozenset({"base"})),
    "api-ref/source": (".inc", frozenset({"versions", "peer", "openapi"})),
    "client/protectorclient/v1": (".py", frozenset()),
    "client/protectorclient/osc/v1": (
        ".py",
        # the verbs on a group, two sites at once, and the bare `protector`
        frozenset({"actions", "failover", "site_pair", "tour"}),
    ),
}

# Which stems a folder must hold. A thing that is reachable is here.
REQUIRED: dict[str, tuple[str, ...]] = {"api-ref/source": STEMS}


def _bears_a_stem(name: str) -> bool:
    """``members``, or ``members_warnings`` where one file is not enough."""
    return any(name == stem or name.startswith(f"{stem}_") for stem in STEMS)


def _stems(folder: str) -> Iterator[str]:
    """The stems in ``folder``; a leading underscore is private help."""
    ending, extras = FOLDERS[folder]
    for path in sorted((source.ROOT / folder).glob(f"*{ending}")):
        if not path.stem.startswith("_") and path.stem not in extras:
            yield path.stem


class GridTest(base.TestCase):
    def test_every_file_of_the_grid_bears_a_stem(self) -> None:
        strays = [
            str(pathlib.PurePath(folder, stem))
            for folder in FOLDERS
            for stem in _stems(folder)
            if not _bears_a_stem(stem)
        ]
        self.assertEqual([], strays)

    def test_what_must_be_there_is_there(self) -> None:
        missing = [
            str(pathlib.PurePath(folder, stem))
            for folder, stems in REQUIRED.items()
            for stem in stems
            if stem not in set(_stems(folder))
        ]
        self.assertEqual([], missing)

    def test_required_names_only_folders_and_stems(self) -> None:
        self.assertEqual(set(), set(REQUIRED) - set(FOLDERS))
        for stems in REQUIRED.values():
            self.assertEqual(set(), set(stems) - set(STEMS))
