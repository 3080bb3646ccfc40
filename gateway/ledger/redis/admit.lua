-- Decides a call: the idempotency lookup, the verdict handed in, every quota; then charges and
-- records it. One script, because all of that must hold at one moment or not happen at all.
--
-- KEYS  1 the tenant's epoch marker   2 the call   3 the idempotency key, or the call again
--       4 calls in progress   5 index   6 index of what was ever unknown   7... one per limit
-- ARGV  1 epoch   2 call id   3 what never changes   4 deadline, after now   5 '1': refused
--       6 retention   7 retention of the unknown   8 outcome of what is recovered   9 '@' and the key
--       then per limit 'b' unit capacity refill | 'w' capacity start end | 'c' capacity 0 0
-- Gives {'epoch'}: closed. {'undone'}. {'window', now, limit, at}: nothing was done, ask
--       again with the window that holds `at`. Or {'admitted' | 'known' | 'refused' | 'exceeded',
--       now, record or '', recovered, which limits are exceeded as 0s and 1s, then per limit its
--       counter or its slots in use}.

if call('GET', KEYS[1]) ~= ARGV[1] then
  return {'epoch'}
end

local now = now_us()
local first = 7
local limits = #KEYS - first + 1
local id = ARGV[2]

local function standings()
  local told = {}
  for n = 1, limits do
    local key = KEYS[first + n - 1]
    if ARGV[6 + 4 * n] == 'c' then
      told[n] = call('ZCOUNT', key, whole(now), '+inf')
    else
      told[n] = call('GET', key) or ''
    end
  end
  return told
end

local function answer(code, text, recovered, exceeded, told)
  return {code, now, text, recovered, exceeded, unpack(told)}
end

local function known(text, home)
  local record = read_record(text)
  local recovered = 0
  if record.status == 'IN_PROGRESS' and record.deadline < now then
    -- Its process is gone. What must expire is recorded as close.lua would have it.
    record.status, record.outcome, record.settled = 'UNKNOWN', ARGV[8], whole(now)
    text = write_record(record)
    local at = expiry_ms(record.requested + math.max(tonumber(ARGV[6]), tonumber(ARGV[7])), now)
    call('SET', home, text, 'PXAT', at)
    call('ZREM', KEYS[4], record.id)
    call('ZREM', KEYS[5], record.id)
    call('ZADD', KEYS[6], whole(record.requested), record.id)
    recovered = 1
  end
  local code = 'known'
  if record.id == id and record.status == 'IN_PROGRESS' then
    code = 'admitted'
  end
  return answer(code, text, recovered, '', standings())
end

local own = call('GET', KEYS[2])
if own == '!' then
  return {'undone'}
end
if KEYS[3] ~= KEYS[2] then
  local held = call('GET', KEYS[3])
  if held then
    return known(held, KEYS[3])
  end
end
if own and string.sub(own, 1, 1) == '#' then
  return known(own, KEYS[2])
end
if ARGV[5] == '1' then
  return answer('refused', '', 0, '', standings())
end

local function trace_after(trace, gap, used, unit, refill)
  local ago, calls = read_trace(trace)
  local found = (used - math.fmod(used, unit)) / unit
  if found == 0 then
    ago, calls = math.max(0, gap + math.floor((used - unit) / refill)), 1
  elseif found >= 2 * calls then
    ago, calls = gap, found
  else
    ago, calls = ago + gap, math.min(calls, found)
  end
  return write_trace(ago, calls)
end

-- Judge every limit; write nothing yet.
local exceeded = {}
local is_exceeded = false
local told = {}
local idle = {}
for n = 1, limits do
  local key, at = KEYS[first + n - 1], 6 + 4 * n
  local kind = ARGV[at]
  local fits
  if kind == 'c' then
    local in_use = call('ZCOUNT', key, whole(now), '+inf')
    fits = in_use < tonumber(ARGV[at + 1])
    told[n] = in_use
  else
    local text = call('GET', key)
    local used, unit, last, since = read_counter(text)
    local price, capacity = 1, nil
    if kind == 'b' then
      price, capacity = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
    else
      capacity = tonumber(ARGV[at + 1])
    end
    if used and unit ~= price then
      -- Units divide one another, so this is exact. Rounded up: a change of kind gives nothing back.
      if unit < price then
        used = used * (price / unit)
      else
        local ratio = unit / price
        local rest = math.fmod(used, ratio)
        used = (used - rest) / ratio + (rest > 0 and 1 or 0)
      end
      since = nil
    end
    if kind == 'b' then
      local refill = tonumber(ARGV[at + 3])
      local elapsed = 0
      if used then
        elapsed = math.max(0, now - last)
        used = math.max(0, math.min(used, capacity) - elapsed * refill)
        last = last + elapsed
      else
        used, last = 0, now
      end
      since = trace_after(since or 0, elapsed, used, price, refill)
      idle[n] = last + math.ceil((used + price) / refill)
    else
      local start, ends = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
      local stands = since and math.max(now, since) or now
      if stands < start or stands >= ends then
        return {'window', now, n, stands}
      end
      if used and last >= start then
        last, since = math.max(stands, last), since or start
      else
        used, last, since = 0, stands, start
      end
      idle[n] = ends
    end
    fits = used + price <= capacity
    told[n] = write_counter(used + price, price, last, since)
  end
  exceeded[n] = fits and '0' or '1'
  is_exceeded = is_exceeded or not fits
end
if is_exceeded then
  return answer('exceeded', '', 0, table.concat(exceeded), standings())
end

-- It is admitted: from here on everything is written.
local deadline = now + tonumber(ARGV[4])
-- What nobody settles expires all the same; settling sets the proper time.
local latest = expiry_ms(deadline + math.max(tonumber(ARGV[6]), tonumber(ARGV[7])), now)
local text = '#' .. id .. '|IN_PROGRESS|0|' .. whole(now) .. '|' .. whole(deadline) .. '||\n' .. ARGV[3]
call('SET', KEYS[3], text, 'PXAT', latest)
if KEYS[3] ~= KEYS[2] then
  call('SET', KEYS[2], ARGV[9], 'PXAT', latest)
end
call('ZADD', KEYS[4], whole(deadline), id)
call('ZADD', KEYS[5], whole(now), id)
for n = 1, limits do
  local key = KEYS[first + n - 1]
  if idle[n] then
    call('SET', key, told[n], 'PXAT', expiry_ms(idle[n], now))
  else
    call('ZREMRANGEBYSCORE', key, '-inf', '(' .. whole(now))
    call('ZADD', key, whole(deadline), id)
    -- The key goes with its last slot, also where nobody is left to give that back.
    if told[n] == 0 then
      call('PEXPIREAT', key, latest)
    else
      call('PEXPIREAT', key, latest, 'GT')
    end
    told[n] = told[n] + 1
  end
end
return answer('admitted', '', 0, '', told)
