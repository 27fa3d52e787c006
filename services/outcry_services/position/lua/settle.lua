-- One side of a trade. KEYS[4] and KEYS[5] are available and held of what is paid, KEYS[6] and KEYS[7] of what is
-- received; ARGV[5] is paid, ARGV[6] stays held at most (empty: all of the rest), ARGV[7] is received, ARGV[8] and
-- ARGV[9] the assets, ARGV[10] is 1 when the order has ended.
local answer, number = arrived()
if answer then
  return answer
end
local found = redis.call('HGET', KEYS[3], ARGV[4])
if not found then
  return 'NONE'
end
local balances = redis.call('MGET', KEYS[4], KEYS[5], KEYS[6], KEYS[7])
for at = 1, 4 do
  local value = amount(balances[at])
  if not value then
    return 'CORRUPT ' .. KEYS[3 + at]
  end
  balances[at] = value
end
local left, facts = string.match(found, '^(%d+)( .*)$')
if not left then
  return 'CORRUPT ' .. KEYS[3]
end
local from_hold, short, freed, kept = step(left, ARGV[5], ARGV[6])
local unheld = plus(from_hold, freed)
local available = plus(balances[1], freed)
if less(balances[2], unheld) or less(MAX, available) then
  return 'CORRUPT ' .. KEYS[5]
end
local received = plus(balances[3], ARGV[7])
if less(MAX, plus(received, balances[4])) then
  return 'OVERFLOW ' .. KEYS[6]
end
number = plus(number, '1')
local entry = number .. ' SETTLE ' .. ARGV[4] .. ' ' .. ARGV[8] .. ':' .. freed .. ':-' .. unheld
  .. ' ' .. ARGV[9] .. ':' .. ARGV[7] .. ':0'
if short ~= '0' then
  entry = entry .. ' short=' .. short
end
redis.call('HSET', KEYS[2], ARGV[1] .. ':' .. ARGV[2], entry)
redis.call('MSET', KEYS[4], available, KEYS[5], minus(balances[2], unheld), KEYS[6], received)
still_held(kept, facts, ARGV[10] == '1')
return carried_out(entry, number)
