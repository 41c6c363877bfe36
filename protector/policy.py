# SPDX-License-Identifier: Apache-2.0
"""Who may do what: the one place that asks oslo.policy."""

from typing import Any

from oslo_config import cfg
from oslo_log import log as logging
from oslo_policy import policy

from protector import exception, policies
from protector.context import RequestContext

LOG = logging.getLogger(__name__)


class Enforcer:
    """oslo.policy over the rules of ``protector.policies``.

    :param conf: a ``ConfigOpts``; oslo.policy registers its own options.
    :raises ServiceUnavailable: the policy file cannot be read.  oslo would
        go on with the defaults, which may allow more than the file.
    """

    def __init__(self, conf: Any) -> None:
        self._enforcer = policy.Enforcer(conf)
        self._enforcer.register_defaults(policies.list_rules())
        try:
            self._enforcer.load_rules()
        except Exception as e:
            # whatever the parser raised, and what oslo made of a strange file
            LOG.exception("The policy file cannot be read")
            raise exception.ServiceUnavailable(
                "The policy of the service cannot be read."
            ) from e

    def authorize(
        self, context: RequestContext, rule: str, target: dict[str, Any]
    ) -> None:
        """Against the *row's* project, never the URL's.

        :param target: at least ``project_id`` of the row.
        :raises PolicyForbidden: the rule says no.
        """
        if not self.allows(context, rule, target):
            raise exception.PolicyForbidden(
                f"Policy does not allow {rule} to be performed.",
                rule=rule,
            )

    def allows(
        self, context: RequestContext, rule: str, target: dict[str, Any]
    ) -> bool:
        self._reload()
        credentials = context.to_policy_values()
        # authorize(), not enforce(): an unregistered rule is an error
        return bool(self._enforcer.authorize(rule, target, credentials))

    def _reload(self) -> None:
        """Read a file that has changed; one that cannot be read changes
        nothing."""
        try:
            self._enforcer.load_rules()
        except Exception:
            LOG.exception(
                "The changed policy file cannot be read: the rules before "
                "it hold"
            )


def get_enforcer_for_docs() -> policy.Enforcer:
    """For oslo.policy's tools; no part of the service calls it."""
    conf = cfg.ConfigOpts()
    conf([], project="protector")
    enforcer = policy.Enforcer(conf)
    enforcer.register_defaults(policies.list_rules())
    return enforcer
