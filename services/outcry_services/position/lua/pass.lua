-- An instruction that moves no money: a cancel, or what the log says was refused. ARGV[4] is what the journal keeps of
-- it until Kafka has its outputs.
local answer, number = arrived()
if answer then
  return answer
end
redis.call('HSET', KEYS[2], cause(), ARGV[4])
return carried_out(ARGV[4], number)
