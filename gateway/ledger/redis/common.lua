-- What every script shares. Only keys that are handed in are touched, all with one {tenant} tag.
--
-- A record is text: #id|status|final|requested|deadline|settled|outcome, a newline, and what never
-- changes (JSON). Times are microseconds by the store's clock. It lies under its idempotency key while
-- it holds one, and then under its id there is '@' and the key; '!' under an id: the admission was
-- undone, and must not happen any more.
--
-- A counter is text: used, unit, at, since (gateway/ledger/quota.py). All integers here are below
-- 2^53, where a double is exact.

local call = redis.call

local function whole(number)
  return string.format('%.0f', number)
end

local function now_us()
  local time = call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

-- The last whole millisecond that a key lives in, where it may go at `us`: never too early, because
-- that would give something back. (A key is gone in the first millisecond after its time, and at once
-- where that time is the present millisecond.)
local function expiry_ms(us, now)
  return whole(math.max(math.ceil(us / 1000) - 1, math.floor(now / 1000) + 1))
end

local function read_counter(text)
  if not text then
    return nil
  end
  local used, unit, at, since = string.match(text, '^(%d+) (%d+) (%d+) (%d+)$')
  return tonumber(used), tonumber(unit), tonumber(at), tonumber(since)
end

local function write_counter(used, unit, at, since)
  return string.format('%.0f %.0f %.0f %.0f', used, unit, at, since)
end

-- Nothing where there is none: no text, a pointer, or an admission that was undone.
local function read_record(text)
  if not text or string.sub(text, 1, 1) ~= '#' then
    return nil
  end
  local id, status, final, requested, deadline, settled, outcome, rest =
    string.match(text, '^#([^|]*)|([^|]*)|(%d)|(%d+)|(%d+)|(%d*)|([^\n]*)\n(.*)$')
  return {
    id = id, status = status, final = final, requested = tonumber(requested),
    deadline = tonumber(deadline), settled = settled, outcome = outcome, rest = rest,
  }
end

local function write_record(record)
  return table.concat({
    '#' .. record.id, record.status, record.final, whole(record.requested), whole(record.deadline),
    record.settled, record.outcome .. '\n' .. record.rest,
  }, '|')
end

-- The trace of a bucket (gateway/ledger/weight.py) is a moment, as microseconds before the last charge,
-- and a number of calls, in one number.
local CALLS = 1048576

local function read_trace(trace)
  local calls = math.fmod(trace, CALLS)
  return (trace - calls) / CALLS, calls
end

local function write_trace(ago, calls)
  return math.min(ago, 8589934591) * CALLS + math.min(calls, CALLS - 1)
end
