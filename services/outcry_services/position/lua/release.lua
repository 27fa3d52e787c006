-- Held funds that an order doesn't need any more. KEYS[4] and KEYS[5] are available and held of the hold's asset;
-- ARGV[5] stays held at most (empty: all of it), ARGV[6] is the asset, ARGV[7] is 1 when the order has ended.
local answer, number = arrived()
if answer then
  return answer
end
local found = redis.call('HGET', KEYS[3], ARGV[4])
if not found then
  return 'NONE'
end
local balances = redis.call('MGET', KEYS[4], KEYS[5])
local available, held = amount(balances[1]), amount(balances[2])
local left, facts = string.match(found, '^(%d+)( .*)$')
if not available or not held or not left then
  return 'CORRUPT ' .. (not left and KEYS[3] or available and KEYS[5] or KEYS[4])
end
local _, _, freed, kept = step(left, '0', ARGV[5])
available = plus(available, freed)
if less(held, freed) or less(MAX, available) then
  return 'CORRUPT ' .. KEYS[5]
end
number = plus(number, '1')
local entry = number .. ' RELEASE ' .. ARGV[4] .. ' ' .. ARGV[6] .. ':' .. freed .. ':-' .. freed
redis.call('HSET', KEYS[2], ARGV[1] .. ':' .. ARGV[2], entry)
redis.call('MSET', KEYS[4], available, KEYS[5], minus(held, freed))
still_held(kept, facts, ARGV[7] == '1')
return carried_out(entry, number)
