-- What all scripts of an instruction share. KEYS[1] is the user's cursor, KEYS[2] the journal not yet in Kafka;
-- ARGV[1] to ARGV[3] are incarnation, number, and the number that must have been carried out before.
--
-- A script answers one word and what belongs to it:
--   NEW entry     carried out now
--   OLD entry     carried out before; no entry: Kafka has its outputs already
--   BEHIND        what must come before is missing here: Redis lost it, or it never ran; nothing was changed
--   WAIT          the log says that it was carried out, and the funds are not here yet; nothing was changed
--   CORRUPT key   a value that nobody wrote; nothing was changed

local function cause()
  return 'i' .. ARGV[1] .. '.' .. ARGV[2]
end

-- The answer when the instruction is not to be carried out now, else nil and the last journal number.
local function arrived()
  local cursor = redis.call('HMGET', KEYS[1], 'n', 'i', 'j')
  local incarnation, number = cursor[1] or '0', cursor[2] or '0'
  if less(ARGV[1], incarnation) or incarnation == ARGV[1] and not less(number, ARGV[2]) then
    return 'OLD ' .. (redis.call('HGET', KEYS[2], cause()) or '')
  end
  -- Of a user without a cursor too, and behind the first number of a new incarnation: numbers only rise.
  if less(number, ARGV[3]) then
    return 'BEHIND'
  end
  return nil, cursor[3] or '0'
end

local function carried_out(entry, journal_number)
  redis.call('HSET', KEYS[1], 'n', ARGV[1], 'i', ARGV[2], 'j', journal_number)
  return 'NEW ' .. entry
end

-- The journal goes first: it is the only key of another type than those that were read.
local function refused(id, reason, journal_number)
  local entry = '0 REFUSED ' .. id .. ' ' .. reason
  redis.call('HSET', KEYS[2], cause(), entry)
  return carried_out(entry, journal_number)
end
