-- KEYS[3] available, KEYS[4] held; ARGV[4] is 1 when the log says that it was adjusted, ARGV[5] the amount without its
-- sign, ARGV[6] the asset, ARGV[7] its sign: '-' or nothing.
local answer, number = arrived()
if answer then
  return answer
end
local balances = redis.call('MGET', KEYS[3], KEYS[4])
local available, held = amount(balances[1]), amount(balances[2])
if not available or not held then
  return 'CORRUPT ' .. (available and KEYS[4] or KEYS[3])
end
local taken = ARGV[7] == '-'
local reason
if taken and less(available, ARGV[5]) then
  reason = 'INSUFFICIENT_FUNDS'
elseif not taken and less(MAX, plus(plus(available, ARGV[5]), held)) then
  reason = 'OVERFLOW'
end
if reason then
  if ARGV[4] == '1' then
    return 'WAIT'
  end
  return refused('0', reason, number)
end
number = plus(number, '1')
local entry = number .. ' ADJUST 0 ' .. ARGV[6] .. ':' .. ARGV[7] .. ARGV[5] .. ':0'
redis.call('HSET', KEYS[2], cause(), entry)
redis.call('SET', KEYS[3], taken and minus(available, ARGV[5]) or plus(available, ARGV[5]))
return carried_out(entry, number)
