-- What the scripts of an event's leg share. KEYS[1] is the user's cursor, KEYS[2] the journal not yet in Kafka, KEYS[3]
-- the holds; ARGV[1] is the symbol, ARGV[2] the leg (seq * 2, + 1 for the taker's), ARGV[3] the user's leg that must have
-- been carried out before, ARGV[4] the order's id. Answers are those of an instruction's scripts, and:
--   NONE          the order has no hold here; nothing was changed
--   OVERFLOW key  a balance would leave 64 bits; nothing was changed

local function arrived()
  local cursor = redis.call('HMGET', KEYS[1], ARGV[1], 'j')
  local leg = cursor[1] or '0'
  if not less(leg, ARGV[2]) then
    return 'OLD ' .. (redis.call('HGET', KEYS[2], ARGV[1] .. ':' .. ARGV[2]) or '')
  end
  if less(leg, ARGV[3]) then
    return 'BEHIND'
  end
  return nil, cursor[2] or '0'
end

-- What a payment out of a hold, or the loss of quantity, makes of it (as `fees.hold_step`): what it pays, what the
-- house must add, what goes back to available, and what stays. An empty `keep`: all of the rest stays.
local function step(left, paid, keep)
  local from_hold = less(left, paid) and left or paid
  local rest = minus(left, from_hold)
  local kept = keep
  if keep == '' or less(rest, keep) then
    kept = rest
  end
  return from_hold, minus(paid, from_hold), minus(rest, kept), kept
end

local function still_held(left, facts, ended)
  if ended then
    redis.call('HDEL', KEYS[3], ARGV[4])
  else
    redis.call('HSET', KEYS[3], ARGV[4], left .. facts)
  end
end

local function carried_out(entry, journal_number)
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2], 'j', journal_number)
  return 'NEW ' .. entry
end
