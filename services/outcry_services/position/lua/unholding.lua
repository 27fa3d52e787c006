-- Ends a withdrawal's hold. KEYS[3] holds, KEYS[4] available, KEYS[5] held; ARGV[5] the id, ARGV[6] the amount, ARGV[7] the
-- asset. `back`: what was held is available again. The shard decides each step once and in order: where there is no such
-- hold, somebody changed it here.
local function unhold(kind, back)
  local answer, number = arrived()
  if answer then
    return answer
  end
  if redis.call('HGET', KEYS[3], ARGV[5]) ~= ARGV[6] .. ' ' .. ARGV[7] then
    return 'CORRUPT ' .. KEYS[3]
  end
  local balances = redis.call('MGET', KEYS[4], KEYS[5])
  local available, held = amount(balances[1]), amount(balances[2])
  if not available or not held then
    return 'CORRUPT ' .. (available and KEYS[5] or KEYS[4])
  end
  local freed = back and ARGV[6] or '0'
  if less(held, ARGV[6]) or less(MAX, plus(available, freed)) then
    return 'CORRUPT ' .. KEYS[5]
  end
  number = plus(number, '1')
  local entry = number .. ' ' .. kind .. ' ' .. ARGV[5] .. ' ' .. ARGV[7] .. ':' .. freed .. ':-' .. ARGV[6]
  redis.call('HSET', KEYS[2], cause(), entry)
  redis.call('HDEL', KEYS[3], ARGV[5])
  redis.call('MSET', KEYS[4], plus(available, freed), KEYS[5], minus(held, ARGV[6]))
  return carried_out(entry, number)
end
