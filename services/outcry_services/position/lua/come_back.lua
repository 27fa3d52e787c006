-- What was sent and can't be paid any more is available again. KEYS[3] available, KEYS[4] held; ARGV[5] the withdrawal's
-- id, ARGV[6] the amount, ARGV[7] the asset.
local answer, number = arrived()
if answer then
  return answer
end
local balances = redis.call('MGET', KEYS[3], KEYS[4])
local available, held = amount(balances[1]), amount(balances[2])
if not available or not held then
  return 'CORRUPT ' .. (available and KEYS[4] or KEYS[3])
end
local after = plus(available, ARGV[6])
if less(MAX, plus(after, held)) then
  return 'OVERFLOW ' .. KEYS[3]
end
number = plus(number, '1')
local entry = number .. ' RETURN ' .. ARGV[5] .. ' ' .. ARGV[7] .. ':' .. ARGV[6] .. ':0'
redis.call('HSET', KEYS[2], cause(), entry)
redis.call('SET', KEYS[3], after)
return carried_out(entry, number)
