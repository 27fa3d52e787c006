-- KEYS[3] available, KEYS[4] held; ARGV[4] is 1 when the log says that it was credited, ARGV[5] the amount, ARGV[6] the
-- asset. What a user has in all fits 64 bits, so that no release ever overflows.
local answer, number = arrived()
if answer then
  return answer
end
local balances = redis.call('MGET', KEYS[3], KEYS[4])
local available, held = amount(balances[1]), amount(balances[2])
if not available or not held then
  return 'CORRUPT ' .. (available and KEYS[4] or KEYS[3])
end
local after = plus(available, ARGV[5])
if less(MAX, plus(after, held)) then
  if ARGV[4] == '1' then
    return 'WAIT'
  end
  return refused('0', 'OVERFLOW', number)
end
number = plus(number, '1')
local entry = number .. ' DEPOSIT 0 ' .. ARGV[6] .. ':' .. ARGV[5] .. ':0'
redis.call('HSET', KEYS[2], cause(), entry)
redis.call('SET', KEYS[3], after)
return carried_out(entry, number)
