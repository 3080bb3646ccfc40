"""One tenant, made from its settings once and then only read."""

from gateway.ledger import Limit, Per, Scope
from gateway.policy import Patterns, Policy
from gateway.settings.model import TenantSettings
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


def tenant_of(name: str, settings: TenantSettings) -> Tenant:
    """The tenant that the settings describe."""
    asked = settings.policy
    policy = Policy(
        allow=Patterns(asked.destinations.allow),
        deny=Patterns(asked.destinations.deny),
        lines=Patterns(asked.lines),
        presented_caller_ids=Patterns(asked.presented_caller_ids),
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
