-- Moves an amount from available to held. KEYS[3] holds, KEYS[4] available, KEYS[5] held; ARGV[4] is 1 when the log
-- says that it was held, ARGV[5] the id, ARGV[6] the amount, ARGV[7] the asset, ARGV[8] what else the hold must know.
local function hold(kind)
  local answer, number = arrived()
  if answer then
    return answer
  end
  -- A script that fails keeps what it wrote: whether the holds are what they should be is asked first.
  redis.call('HEXISTS', KEYS[3], ARGV[5])
  local balances = redis.call('MGET', KEYS[4], KEYS[5])
  local available, held = amount(balances[1]), amount(balances[2])
  if not available or not held then
    return 'CORRUPT ' .. (available and KEYS[5] or KEYS[4])
  end
  if less(available, ARGV[6]) then
    if ARGV[4] == '1' then
      return 'WAIT'
    end
    return refused(ARGV[5], 'INSUFFICIENT_FUNDS', number)
  end
  held = plus(held, ARGV[6])
  if less(MAX, held) then
    return 'CORRUPT ' .. KEYS[5]
  end
  number = plus(number, '1')
  local entry = number .. ' ' .. kind .. ' ' .. ARGV[5] .. ' ' .. ARGV[7] .. ':-' .. ARGV[6] .. ':' .. ARGV[6]
  redis.call('HSET', KEYS[2], cause(), entry)
  redis.call('HSET', KEYS[3], ARGV[5], ARGV[6] .. ' ' .. ARGV[7] .. ARGV[8])
  redis.call('MSET', KEYS[4], minus(available, ARGV[6]), KEYS[5], held)
  return carried_out(entry, number)
end
