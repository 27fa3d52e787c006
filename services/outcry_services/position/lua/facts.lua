-- What the holds of orders (ARGV) know; nil for an order without one.
return redis.call('HMGET', KEYS[1], unpack(ARGV))
