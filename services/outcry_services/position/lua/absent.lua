-- A leg of an order that has no hold. ARGV[5] is the order's number; ARGV[6] is 1 when every instruction up to the end
-- of `orders` was carried out, so that no hold is still to come.
--   AHEAD    its instruction was not seen yet; nothing was changed
--   BACK     the hold is there after all; nothing was changed
--   NEW      there is nothing to move: only the cursor did
local answer, number = arrived()
if answer then
  return answer
end
if redis.call('HEXISTS', KEYS[3], ARGV[4]) == 1 then
  return 'BACK'
end
if ARGV[6] ~= '1' and less(redis.call('HGET', KEYS[1], 'i') or '0', ARGV[5]) then
  return 'AHEAD'
end
return carried_out('', number)
