-- Reads quotas as they stand at one moment. A script, so that the moment is the store's own.
--
-- KEYS  1 the tenant's epoch marker   2... one per limit
-- ARGV  1 epoch   2... per limit 'c' for a concurrent one, else 'k'
-- Gives {'epoch'}: closed. Or {'told', now, then per limit its counter or slots in use}.

if call('GET', KEYS[1]) ~= ARGV[1] then
  return {'epoch'}
end
local now = now_us()
local told = {}
for n = 2, #KEYS do
  if ARGV[n] == 'c' then
    told[n - 1] = call('ZCOUNT', KEYS[n], whole(now), '+inf')
  else
    told[n - 1] = call('GET', KEYS[n]) or ''
  end
end
return {'told', now, unpack(told)}
