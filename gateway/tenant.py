"""One tenant, made from its settings once and then only read."""

from gateway.ledger import Limit, Per, Scope
from gateway.policy import Patterns, Policy
from gateway.settings.model import TenantSettings
from gateway.telemetry.lines import AuditNumbers
from gateway.telemetry.masking import mask
from gateway.values import value_class


@value_class(frozen=True, slots=True)
class Tenant:
    """A customer of the gateway. `credentials` names the pair its calls are made with."""

    name: str
    is_suspended: bool
    credentials: str
    customer: int | None
    requires_key: bool
    trusts_sampling: bool
    limits: tuple[Limit, ...]
    policy: Policy


def tenant_of(name: str, settings: TenantSettings, numbers: AuditNumbers = "masked") -> Tenant:
    """The tenant that the settings describe; `numbers` as its rules are to show them in audit lines."""
    asked, shown = settings.policy, mask if numbers == "masked" else str
    policy = Policy(
        allow=Patterns(asked.destinations.allow, "policy.destinations.allow", shown),
        deny=Patterns(asked.destinations.deny, "policy.destinations.deny", shown),
        lines=Patterns(asked.lines, "policy.lines", shown),
        presented_caller_ids=Patterns(asked.presented_caller_ids, "policy.presented_caller_ids", shown),
        max_wait_seconds=asked.max_wait_seconds,
        max_delay_seconds=asked.max_delay_seconds,
        options=frozenset(asked.options),
        recording_groups=frozenset(asked.recording_groups),
        cards=frozenset(asked.cards),
        customers=frozenset(asked.customers),
        customer=settings.customer,
    )
    limits = tuple(
        Limit(q.name, q.limit, Per(q.per), Scope(q.scope), q.burst or q.limit, q.time_zone)
        for q in settings.quotas
    )
    return Tenant(
        name,
        settings.suspended,
        settings.credentials,
        settings.customer,
        settings.idempotency == "required",
        settings.trust_sampling,
        limits,
        policy,
    )
