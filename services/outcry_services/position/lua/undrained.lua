-- The entries of one user that Kafka may not have yet, by cause.
return redis.call('HGETALL', KEYS[1])
