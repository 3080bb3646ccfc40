"""The limits and outcomes that the contract's bodies share. Buckets are per hour, so that a real clock
refills nothing meanwhile."""

from gateway.call import Reference, not_placed, rejected, requested, unknown
from gateway.errors import Code
from gateway.ledger import Limit, Per

HOURLY = Limit("hourly", 3, Per.HOUR)
DAILY = Limit("daily", 5, Per.DAY, time_zone="Europe/Kyiv")
AT_ONCE = Limit("at-once", 4, Per.CONCURRENT)
ALL = (HOURLY, DAILY, AT_ONCE)

WHOLE = requested(Reference(1, "asterisk01", "1234567890.123456"))
REJECTED = rejected(Code.INVALID_INPUT, "legacy_400", ("/callee/number",))
NOT_PLACED = not_placed(Code.UPSTREAM_UNREACHABLE, "connect_error")
UNKNOWN = unknown("answer_timeout", 504)
