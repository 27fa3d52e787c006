-- All of one user at one cut: KEYS[1] cursor, KEYS[2] holds, then balances.
local values = {}
if #KEYS > 2 then
  values = redis.call('MGET', unpack(KEYS, 3))
end
return {redis.call('HGETALL', KEYS[1]), redis.call('HGETALL', KEYS[2]), values}
