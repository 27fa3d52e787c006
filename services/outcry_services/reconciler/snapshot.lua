-- One user's keys as they are, in one step: for each key its type and what it holds, of another type nothing.
local found = {}
for at, key in ipairs(KEYS) do
  local kind = redis.call('TYPE', key).ok
  if kind == 'string' then
    found[at] = {kind, redis.call('GET', key)}
  elseif kind == 'hash' then
    found[at] = {kind, redis.call('HGETALL', key)}
  else
    found[at] = {kind}
  end
end
return found
