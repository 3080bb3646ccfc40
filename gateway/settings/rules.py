"""What no key alone can tell: rules over the whole configuration, and over each tenant's patterns.

Pure: files are looked at in `files`. Each rule yields remarks; none stops another.
"""

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final
from urllib.parse import urlsplit

from gateway.settings.findings import KeyPath, Severity, shown
from gateway.settings.model import Quota, Settings, TenantSettings
from gateway.settings.patterns import pattern_remarks

MOST_OF_A_BUCKET: Final = 1_000_000
"""Of an hour's bucket, counted in microseconds, twice as many would soon take the shared store's scripts past
2^53, up to where their numbers are exact."""

_WILDCARDS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, not bound


@dataclass(frozen=True, slots=True)
class Remark:
    """What a rule has to say of `path`. `needs` are other values it read: with one of those faulty, it
    says nothing. `at` is where to point, if not at `path`; `unread_pair` the upstream credentials, if they
    can't be read."""

    path: KeyPath
    message: str
    severity: Severity = "error"
    needs: tuple[KeyPath, ...] = ()
    at: KeyPath | None = None
    unread_pair: str | None = None


def remarks(settings: Settings) -> Iterator[Remark]:
    """Everything the rules find."""
    yield from _listeners(settings)
    yield from _upstream(settings)
    yield from _store(settings)
    yield from _issuers(settings)
    yield from _drain(settings)
    yield from _digests(settings)
    for name, tenant in settings.tenants.items():
        yield from _tenant(settings, ("tenants", name), tenant)


def _listeners(settings: Settings) -> Iterator[Remark]:
    listen, admin = settings.listen, settings.admin
    is_same_host = listen.host == admin.host or bool({listen.host, admin.host} & _WILDCARDS)
    if listen.port == admin.port != 0 and is_same_host:
        yield Remark(
            ("admin", "port"),
            "is the port of `listen` too: give the admin pages a port of their own",
            needs=(("listen", "port"), ("listen", "host"), ("admin", "host")),
            at=("admin", "port") if "port" in admin.model_fields_set else ("listen", "port"),
        )


def is_loopback(host: str) -> bool:
    """Whether nothing that is sent to the host leaves this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_exposed(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "http" and not is_loopback(parts.hostname or "")


def _upstream(settings: Settings) -> Iterator[Remark]:
    upstream = settings.upstream
    if _is_exposed(upstream.base_url) and not upstream.allow_plaintext:
        yield Remark(
            ("upstream", "base_url"),
            "would send the credentials in plain text: use https://, or set upstream.allow_plaintext: true",
            needs=(("upstream", "allow_plaintext"),),
        )
    # The default may be more, so that `max_in_flight` alone can be lowered: no lane gets more than all.
    is_given = "max_in_flight_waiting" in upstream.model_fields_set
    if is_given and upstream.max_in_flight_waiting > upstream.max_in_flight:
        yield Remark(
            ("upstream", "max_in_flight_waiting"),
            f"must be at most upstream.max_in_flight, which is {upstream.max_in_flight}: it is a part of it",
            needs=(("upstream", "max_in_flight"),),
        )


def _store(settings: Settings) -> Iterator[Remark]:
    if not settings.store.url.startswith("sqlite:") and settings.store.spool_directory is None:
        yield Remark(
            ("store", "spool_directory"),
            "is missing: a shared store needs a directory where settlements wait while it is away, such as "
            "spool_directory: /var/lib/gateway/spool",
            needs=(("store", "url"),),
        )


def _issuers(settings: Settings) -> Iterator[Remark]:
    first: dict[str, int] = {}
    for index, issuer in enumerate(settings.auth.jwt):
        path: KeyPath = ("auth", "jwt", index)
        if (issuer.jwks_url is None) == (issuer.jwks_file is None):
            yield Remark(
                path,
                "needs exactly one of `jwks_url` and `jwks_file`: the issuer's keys come from one place",
                needs=((*path, "jwks_url"), (*path, "jwks_file")),
            )
        if issuer.jwks_url is not None and _is_exposed(issuer.jwks_url):
            yield Remark(
                (*path, "jwks_url"),
                "would be fetched in plain text, where keys can be forged: use https://",
            )
        if issuer.issuer in first:
            yield _twice((*path, "issuer"), ("auth", "jwt", first[issuer.issuer], "issuer"))
        first.setdefault(issuer.issuer, index)


def _drain(settings: Settings) -> Iterator[Remark]:
    grace, margin = settings.drain.grace_seconds, settings.upstream.answer_margin_seconds
    longest, path = max(
        (
            (seconds, ("tenants", name, "policy", key))
            for name, tenant in settings.tenants.items()
            for key, seconds in (
                ("max_wait_seconds", tenant.policy.max_wait_seconds),
                ("max_delay_seconds", tenant.policy.max_delay_seconds),
            )
        ),
        key=lambda found: found[0],
        default=(0, ()),
    )
    if path and grace < longest + margin:
        is_given = "grace_seconds" in settings.drain.model_fields_set
        yield Remark(
            ("drain", "grace_seconds"),
            f"must be at least {longest + margin:.10g}, {shown(path)} ({longest}) plus "
            f"upstream.answer_margin_seconds ({margin:.10g}), or a restart would cut calls off",
            needs=(path, ("upstream", "answer_margin_seconds")),
            at=("drain", "grace_seconds") if is_given else path,
        )


def _digests(settings: Settings) -> Iterator[Remark]:
    first: dict[str, KeyPath] = {}
    for name, tenant in settings.tenants.items():
        for index, key in enumerate(tenant.api_keys):
            path: KeyPath = ("tenants", name, "api_keys", index, "sha256")
            if key.sha256 in first:
                yield _twice(path, first[key.sha256], "one key can't stand for two: make a new one")
            first.setdefault(key.sha256, path)


def _twice(path: KeyPath, first: KeyPath, advice: str = "give each its own") -> Remark:
    return Remark(path, f"is the same as {shown(first)}: {advice}", needs=(first,))


def _repeated(values: Iterable[str], path: KeyPath, key: str) -> Iterator[Remark]:
    first: dict[str, int] = {}
    for index, value in enumerate(values):
        if value in first:
            yield _twice((*path, index, key), (*path, first[value], key))
        first.setdefault(value, index)


def _tenant(settings: Settings, path: KeyPath, tenant: TenantSettings) -> Iterator[Remark]:
    if tenant.credentials not in settings.upstream.credentials:
        known = settings.upstream.credentials
        near = get_close_matches(tenant.credentials, known, n=1)
        hint = f"did you mean {shown((near[0],))}?" if near else f"known are {', '.join(known)}"
        yield Remark(
            (*path, "credentials"),
            f"names no pair of upstream.credentials: {hint}",
            needs=(("upstream", "credentials"),),
        )
    yield from _repeated((key.id for key in tenant.api_keys), (*path, "api_keys"), "id")
    yield from _repeated((quota.name for quota in tenant.quotas), (*path, "quotas"), "name")
    for index, quota in enumerate(tenant.quotas):
        yield from _quota((*path, "quotas", index), quota)
    has_calleetypes = bool(settings.upstream.callee_types) and "calleeType" in tenant.policy.options
    for pattern_path, message, severity in pattern_remarks(tenant.policy, has_calleetypes):
        needs = (("upstream", "callee_types"), (*path, "policy", "options"))
        yield Remark((*path, "policy", *pattern_path), message, severity, needs)
    if not tenant.suspended:
        yield from _emptiness(path, tenant)


def _quota(path: KeyPath, quota: Quota) -> Iterator[Remark]:
    per = (*path, "per")
    is_bucket = quota.per in {"second", "minute", "hour"}
    if is_bucket and quota.limit > MOST_OF_A_BUCKET:
        message = f"must be {MOST_OF_A_BUCKET} at most per second, minute or hour"
        yield Remark((*path, "limit"), message, needs=(per,))
    if quota.burst is not None and not is_bucket:
        yield Remark(
            (*path, "burst"),
            "belongs to quotas per second, minute or hour alone: leave it out here",
            needs=(per,),
        )
    if "time_zone" in quota.model_fields_set and quota.per not in {"day", "month"}:
        yield Remark(
            (*path, "time_zone"), "belongs to quotas per day or month alone: leave it out here", needs=(per,)
        )


def _emptiness(path: KeyPath, tenant: TenantSettings) -> Iterator[Remark]:
    destinations = ("policy", "destinations")
    if not tenant.quotas:
        message = "has no quotas, so nothing limits its calls: add `quotas`, if only a daily one"
        yield Remark(path, message, "warning", needs=((*path, "quotas"),))
    if not tenant.policy.destinations.allow and not tenant.policy.destinations.deny:
        message = "has no destinations, so it may dial nothing: list them under policy.destinations.allow"
        yield Remark(path, message, "warning", needs=((*path, *destinations, "allow"),))
