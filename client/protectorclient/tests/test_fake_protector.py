# SPDX-License-Identifier: Apache-2.0
"""The fake says nothing that the API reference does not."""

from __future__ import annotations

from collections.abc import Iterator
import json
import pathlib
from typing import Any

import protectorclient
from protectorclient.tests import base, fake_cloud

SAMPLES = (
    pathlib.Path(protectorclient.__file__).parents[2]
    / "api-ref/source/samples"
)
#: Keys whose values have keys of their own choice.
FREE = {"refused_actions"}


def undocumented(said: Any, sample: Any, where: str = "") -> Iterator[str]:
    """Where the answer has keys that the sample has not."""
    if isinstance(said, list) and isinstance(sample, list):
        for row in said:
            yield from undocumented(row, sample[0] if sample else row, where)
    if isinstance(said, dict) and isinstance(sample, dict):
        for key, value in said.items():
            if key not in sample:
                yield f"{where}.{key}"
            elif key not in FREE:
                yield from undocumented(value, sample[key], f"{where}.{key}")


class FakeTest(base.SitesCase):
    """Each answer that has a sample."""

    def setUp(self) -> None:
        super().setUp()
        if not SAMPLES.is_dir():
            self.skipTest("the API reference is not at hand")
        self.proxy = self.connect().protector
        group = self.site_a.make_group("g")
        self.member = self.site_a.make_member("web", 2)
        self.operation = self.site_a.make_operation("failover", group)
        self.tenant = f"/v1/{fake_cloud.PROJECT}"
        self.group = f"{self.tenant}/protection-groups/{group['id']}"

    def test_what_is_read(self) -> None:
        tenant, group = self.tenant, self.group
        for path, sample in (
            (f"{tenant}/sites", "sites/list"),
            (f"{tenant}/sites/x/volume-types", "sites/volume-types"),
            ("/v1/admin/tenant-mappings", "tenant_mappings/list"),
            ("/v1/health", "health/service"),
            (f"{tenant}/protection-groups", "protection_groups/list"),
            (group, "protection_groups/show"),
            (f"{group}/health", "health/group"),
            (f"{group}/policy", "replication_policies/show"),
            (f"{group}/mappings", "resource_mappings/show"),
            (f"{group}/recovery-points", "protection_groups/recovery-points"),
            (f"{group}/consistency-group", "consistency_groups/show"),
            (f"{group}/members", "members/list"),
            (f"{group}/members/{self.member['id']}", "members/show"),
            (f"{tenant}/operations", "operations/list"),
            (f"{tenant}/operations/{self.operation['id']}", "operations/show"),
        ):
            self._check(self.proxy.get(path), sample)

    def test_what_is_done(self) -> None:
        for path, body, sample in (
            (
                f"{self.group}/action",
                {"failover": {"type": "planned"}, "dry_run": True},
                "protection_groups/dry-run",
            ),
            (
                f"{self.group}/action",
                {"failover": {"type": "planned"}},
                "protection_groups/failover",
            ),
            (f"{self.group}/sync-force", {}, "metadata_sync/force"),
            ("/v1/admin/sites/x/action", {"validate": {}}, "sites/validate"),
        ):
            self._check(self.proxy.post(path, json=body), sample)

    def _check(self, answer: Any, sample: str) -> None:
        text = (SAMPLES / f"{sample}-response.json").read_text()
        self.assertEqual(
            [], list(undocumented(answer.json(), json.loads(text))), sample
        )
