"""The one table of a call's parameters: public name, legacy name, rules, default and meaning.

JSON Schema, OpenAPI, the GraphQL input, validation, translation and the README's table come from
it or are checked against it. Its order is the vendor's page order, which is the order on the wire.
Source: the contract, section 3, and the vendor's page, "Input parameters".
"""

from typing import Final

from gateway.call.kinds import (
    CALLER_ID,
    CALLER_TYPE,
    DIAL_PLAN,
    FLAG,
    IDENTIFIER,
    NAME,
    NUMBER,
    REFERENCE,
    SECONDS,
    Kind,
    Value,
)
from gateway.values import value_class


@value_class(frozen=True, slots=True)
class Parameter:
    """One row. `path` is the public place, `legacy` None for what never goes upstream.

    `field` is the attribute of `CallRequest`; `always_sent` parameters are on the wire even at
    their default.
    """

    path: tuple[str, ...]
    field: str
    legacy: str | None
    kind: Kind
    default: Value
    meaning: str
    required: bool = False
    always_sent: bool = False

    @property
    def pointer(self) -> str:
        """The RFC 6901 pointer into a request's body."""
        return "/" + "/".join(self.path)


_A, _B = "caller", "callee"

PARAMETERS: Final[tuple[Parameter, ...]] = (
    Parameter(
        (_A, "type"),
        "caller_type",
        "stype",
        CALLER_TYPE,
        "NUMBER",
        "What `caller.number` names: a number to dial, or a telephone line (LINE).",
        always_sent=True,
    ),
    Parameter(
        (_A, "number"),
        "caller_number",
        "snumber",
        NUMBER,
        None,
        "The party that is rung first: any number or line the customer may dial.",
        required=True,
    ),
    Parameter(
        (_B, "type"),
        "callee_type",
        "ctype",
        NAME,
        None,
        "The destination type of the callee; only values that the operator lists. Normally absent.",
        always_sent=True,
    ),
    Parameter(
        (_B, "number"),
        "callee_number",
        "cnumber",
        NUMBER,
        None,
        "The party that is rung when the caller has answered; both are then bridged.",
        required=True,
    ),
    Parameter(
        (_B, "dialPlan"),
        "callee_dial_plan",
        "cdialplan",
        DIAL_PLAN,
        None,
        "AUTO converts the callee's number to the caller's dial plan. Older hosts do not know it.",
    ),
    Parameter(("billing", "card"), "billing_card", "card", NAME, None, "The card to bill the call to."),
    Parameter(
        ("billing", "customerId"),
        "billing_customer_id",
        "customer",
        IDENTIFIER,
        None,
        "The customer to make the call as; needed too for a card of another customer.",
    ),
    Parameter(
        (_A, "autoAnswer"),
        "caller_auto_answer",
        "answer1",
        FLAG,
        False,
        "Ask the caller's device to answer by itself.",
    ),
    Parameter(
        (_B, "autoAnswer"),
        "callee_auto_answer",
        "answer2",
        FLAG,
        False,
        "Ask the callee's device to answer by itself.",
    ),
    Parameter(
        (_A, "presentedCallerId"),
        "caller_presented_caller_id",
        "callerid1",
        CALLER_ID,
        None,
        "The caller ID that the caller sees.",
    ),
    Parameter(
        (_B, "presentedCallerId"),
        "callee_presented_caller_id",
        "callerid2",
        CALLER_ID,
        None,
        "The caller ID that the callee sees.",
    ),
    Parameter(
        ("recordingGroupId",),
        "recording_group_id",
        "recordgroup",
        IDENTIFIER,
        None,
        "The group that records the call.",
    ),
    Parameter(
        (_A, "screening"), "caller_screening", "screen1", FLAG, False, "Screen the call to the caller."
    ),
    Parameter(
        (_B, "screening"), "callee_screening", "screen2", FLAG, False, "Screen the call to the callee."
    ),
    Parameter(
        (_A, "cutoffWarning"),
        "caller_cutoff_warning",
        "warn1",
        FLAG,
        True,
        "Play a warning to the caller before credit ends the call.",
    ),
    Parameter(
        (_B, "cutoffWarning"),
        "callee_cutoff_warning",
        "warn2",
        FLAG,
        True,
        "Play a warning to the callee before credit ends the call.",
    ),
    Parameter(
        ("delaySeconds",),
        "delay_seconds",
        "delay",
        SECONDS,
        0,
        "Wait this many seconds before making the call.",
    ),
    Parameter(
        ("waitSeconds",),
        "wait_seconds",
        "wait",
        SECONDS,
        0,
        "Hold the answer up to this many seconds for the call's reference; where both are set, more than "
        "`delaySeconds`.",
    ),
    Parameter(
        ("suppressForwarding",),
        "suppress_forwarding",
        "noforwards",
        FLAG,
        False,
        "Suppress call forwards on no answer.",
    ),
    Parameter(
        ("clientReference",),
        "client_reference",
        None,
        REFERENCE,
        None,
        "The client's own name for the call: echoed and recorded, never sent upstream.",
    ),
    Parameter(
        ("dryRun",),
        "dry_run",
        None,
        FLAG,
        False,
        "Authorise, validate and translate only: dials nothing, spends nothing.",
    ),
)

GROUPS: Final[tuple[str, ...]] = (_A, _B, "billing")
BY_PATH: Final[dict[tuple[str, ...], Parameter]] = {p.path: p for p in PARAMETERS}
BY_LEGACY: Final[dict[str, Parameter]] = {p.legacy: p for p in PARAMETERS if p.legacy is not None}
