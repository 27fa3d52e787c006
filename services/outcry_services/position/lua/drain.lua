-- Forgets entries that Kafka has.
return redis.call('HDEL', KEYS[1], unpack(ARGV))
