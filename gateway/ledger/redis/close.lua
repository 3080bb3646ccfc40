-- Ends what was admitted: writes an outcome, or takes the admission back; refunds what must be
-- refunded, exactly once. One script, because outcome, refund, key and slot must change together.
--
-- KEYS  1 the tenant's epoch marker   2 the call   3 the idempotency key, or the call again
--       4 calls in progress   5 index   6 index of refunded calls   7 index of what was ever unknown
--       8... the counters that the call was charged on, then the concurrent quotas it holds slots of
-- ARGV  1 epoch   2 call id   3 retention   4 retention of the unknown   5 how many counters
--       6 why: settle (a record that is not final), resolve (an unknown one), recover (one in progress
--         past its deadline; stays open to the truth), undo (one that is not final goes away)
--       7 status   8 outcome   9 elapsed since the admission; for undo: how long it stays forbidden, ms
-- Gives {'epoch'}: closed. {'missing', now}. {'kept', now, record}: the reason does not hold.
--       {'closed', now, record}, or {'refunded', now, record, then each counter or slots in use}.

if call('GET', KEYS[1]) ~= ARGV[1] then
  return {'epoch'}
end

local now = now_us()
local id, why = ARGV[2], ARGV[6]
local home = KEYS[3]
local text = call('GET', home)
local record = read_record(text)
if home ~= KEYS[2] and not (record and record.id == id) then
  -- Its key is released, or never was its own.
  home = KEYS[2]
  text = call('GET', home)
  record = read_record(text)
end
if why == 'undo' and not record then
  call('SET', KEYS[2], '!', 'PX', ARGV[9])
end
if not record then
  return {'missing', now}
end

local holds = {
  settle = record.final == '0',
  resolve = record.status == 'UNKNOWN',
  recover = record.status == 'IN_PROGRESS' and record.deadline < now,
  undo = record.final == '0',
}
if not holds[why] then
  return {'kept', now, text}
end

local was_unknown = record.status == 'UNKNOWN'
local is_refunded = why == 'undo' or ARGV[7] == 'REJECTED' or ARGV[7] == 'NOT_PLACED'
local counters = tonumber(ARGV[5])

-- Of each counter, in order, what a call cost and a microsecond paid back under the rule that it was
-- charged by; older records do not tell.
local function rates()
  local told = {}
  for _, charge in ipairs(cjson.decode(cjson.decode(record.rest)[7])) do
    if not charge[3] then
      told[#told + 1] = {unit = charge[4], refill = charge[5]}
    end
  end
  return told
end

-- gateway/ledger/quota.py: nothing comes back of a window that is over, and of a bucket no more than
-- the call still weighs.
local function refund(text, rate)
  local used, unit, at, since = read_counter(text)
  local paid
  if unit == 1 then
    paid = record.requested < since and unit or 0
  else
    local ago, calls = read_trace(since)
    local age = at - record.requested
    local paying = math.max(0, age - ago)
    paid = paying * (rate.unit == unit and rate.refill or unit)
    if paid < unit and age > 0 then
      since = calls == 1 and 0 or write_trace(math.max(ago, age), (calls - 1) % CALLS)
    end
  end
  return write_counter(math.max(0, used - math.max(0, unit - paid)), unit, at, since)
end

local charged = is_refunded and rates()
local told = {}
for n = 8, #KEYS do
  local key = KEYS[n]
  if n - 8 < counters then
    if is_refunded then
      local counter = call('GET', key)
      if counter then
        counter = refund(counter, charged[n - 7])
        call('SET', key, counter, 'KEEPTTL')
      end
      told[#told + 1] = counter or ''
    end
  else
    call('ZREM', key, id)
    if is_refunded then
      told[#told + 1] = call('ZCOUNT', key, whole(now), '+inf')
    end
  end
end
call('ZREM', KEYS[4], id)

if why == 'undo' then
  call('ZREM', KEYS[5], id)
  call('ZREM', KEYS[7], id)
  if home ~= KEYS[2] then
    call('DEL', home)
  end
  call('SET', KEYS[2], '!', 'PX', ARGV[9])
  return {'refunded', now, text, unpack(told)}
end

record.status, record.outcome = ARGV[7], ARGV[8]
record.final = why == 'recover' and '0' or '1'
record.settled = whole(why == 'settle' and record.requested + math.max(0, tonumber(ARGV[9])) or now)
text = write_record(record)

-- Whatever was unknown once is kept for the longer time: its verdict must still replay.
local kept = tonumber(ARGV[3])
if was_unknown or record.status == 'UNKNOWN' then
  kept = math.max(kept, tonumber(ARGV[4]))
  if not was_unknown then
    call('ZREM', KEYS[5], id)
    call('ZADD', KEYS[7], whole(record.requested), id)
  end
elseif is_refunded then
  call('ZREM', KEYS[5], id)
  call('ZADD', KEYS[6], whole(record.requested), id)
end
local at = expiry_ms(record.requested + kept, now)
if record.status == 'NOT_PLACED' and home ~= KEYS[2] then
  -- The key is free for a first try.
  call('DEL', home)
  home = KEYS[2]
end
call('SET', home, text, 'PXAT', at)
if home ~= KEYS[2] then
  call('PEXPIREAT', KEYS[2], at)
end
if not is_refunded then
  return {'closed', now, text}
end
return {'refunded', now, text, unpack(told)}
