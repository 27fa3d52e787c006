-- Puts one user's positions in place of whatever is there. KEYS[1] cursor, KEYS[2] journal not yet in Kafka, KEYS[3]
-- holds, then the balances; ARGV[1] is how many words the cursor takes, ARGV[2] how many the holds take; then those
-- words, then one value for each balance.
local cursor, holds = tonumber(ARGV[1]), tonumber(ARGV[2])
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])
local function hash(key, first, words)
  -- A Lua stack takes no more than some thousands.
  for at = first, first + words - 1, 1000 do
    redis.call('HSET', key, unpack(ARGV, at, math.min(at + 999, first + words - 1)))
  end
end
hash(KEYS[1], 3, cursor)
hash(KEYS[3], 3 + cursor, holds)
for at = 4, #KEYS do
  redis.call('SET', KEYS[at], ARGV[2 + cursor + holds + at - 3])
end
return #KEYS - 3
