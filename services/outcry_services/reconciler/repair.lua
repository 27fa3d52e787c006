-- Puts right values in place of wrong ones, if everything is still as it was when they were found wrong.
--
-- KEYS[1] is the user's cursor, KEYS[2] the journal entries that Kafka doesn't have yet, then whatever is to be checked
-- or changed. ARGV[1] names the repair, ARGV[2] is the journal number that it takes, ARGV[3] its journal entry; then for
-- each key but the journal what it must hold: a type, a count, and so many words ('none': no such key; a hash's words are
-- fields and values). Then the new content for each of the same keys, in the same shape; the type 'keep' leaves it.
--
-- Answers DONE, or MOVED and the key that is not as expected: then nothing was changed.
local at = 4

local function take()
  local kind, count = ARGV[at], tonumber(ARGV[at + 1])
  local first = at + 2
  at = first + count
  return kind, first, count
end

local function as_expected(key, kind, first, count)
  if redis.call('TYPE', key).ok ~= kind then
    return false
  end
  if kind == 'string' then
    return redis.call('GET', key) == ARGV[first]
  end
  if kind == 'hash' then
    if redis.call('HLEN', key) * 2 ~= count then
      return false
    end
    for word = first, first + count - 1, 2 do
      if redis.call('HGET', key, ARGV[word]) ~= ARGV[word + 1] then
        return false
      end
    end
  end
  return true
end

local function put(key, kind, first, count)
  redis.call('DEL', key)
  if kind == 'string' then
    redis.call('SET', key, ARGV[first])
  elseif kind == 'hash' then
    for word = first, first + count - 1, 2 do
      redis.call('HSET', key, ARGV[word], ARGV[word + 1])
    end
  end
end

local function each(work)
  for number, key in ipairs(KEYS) do
    if number ~= 2 then
      local kind, first, count = take()
      if not work(key, kind, first, count) then
        return key
      end
    end
  end
end

local moved = each(as_expected)
if moved then
  return {'MOVED', moved}
end
local kind = redis.call('TYPE', KEYS[2]).ok
if kind ~= 'hash' and kind ~= 'none' then
  redis.call('DEL', KEYS[2])
end
redis.call('HSET', KEYS[2], 'r' .. ARGV[1], ARGV[3])
each(function(key, new, first, count)
  if new ~= 'keep' then
    put(key, new, first, count)
  end
  return true
end)
redis.call('HSET', KEYS[1], 'j', ARGV[2])
return {'DONE'}
