-- Moves a watermark, in one step.
return redis.call('HSET', KEYS[1], unpack(ARGV))
