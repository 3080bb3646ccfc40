"""The tail sampler: which traces are kept, decided when the request is over and its truth known."""

from typing import Final

from gateway.telemetry.accounts import RequestAccount
from gateway.telemetry.labels import CALLERS_FAULTS, is_server_fault

_ID_MASK: Final = (1 << 64) - 1


class Sampler:
    """Keeps faults, unknown outcomes and slow calls, and a share of the rest."""

    def __init__(self, ratio: float, slow_call_seconds: float) -> None:
        """`ratio` is that share, 0 to 1; a call is slow when it took `slow_call_seconds` more than the wait
        its caller asked for."""
        self._slow_call_seconds = slow_call_seconds
        self._kept_below = round(ratio * (_ID_MASK + 1))

    def keeps(self, account: RequestAccount) -> bool:
        """Whether this request's trace is kept. Of ordinary ones the trace id decides, the same way
        in every process; a caller's sampled flag does where the tenant is trusted with it."""
        call = account.call
        wait_seconds = call.client_wait_seconds if call is not None else 0
        if is_server_fault(account) or account.duration_seconds > wait_seconds + self._slow_call_seconds:
            return True
        upstream = call.upstream if call is not None else None
        if upstream is not None and (upstream.is_unknown or upstream.error_type not in CALLERS_FAULTS):
            return True
        trace = account.trace
        if account.trusts_sampling and trace.parent_is_sampled is not None:
            return trace.parent_is_sampled
        # The rightmost bits, as OpenTelemetry's own ratio sampler takes them.
        return (trace.trace_id & _ID_MASK) < self._kept_below
