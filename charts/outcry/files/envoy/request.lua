-- Behind authentication: what the transcoder would pass over in silence is refused. A misspelt `stopPrice`
-- must never become an order without one, and of a name that comes twice nobody knows which was meant.
-- FIELDS stands above, made from the schema.

-- The first name in a JSON body that the request doesn't have or has twice, and which of these it is. Looks
-- for texts that a colon follows; whether the rest is JSON the transcoder says.
local function faulty_name(body, known)
  local seen, at = {}, 1
  while true do
    local from = body:find('"', at, true)
    if from == nil then return nil end
    local to = from
    repeat
      to = body:find('["\\]', to + 1)
      if to == nil then return nil end
      local escape = body:byte(to) == 92
      if escape then to = to + 1 end
    until not escape
    if body:find("^%s*:", to + 1) then
      local name = body:sub(from + 1, to - 1)
      if not known[name] then return name, "there is no such field" end
      if seen[name] then return name, "this field comes twice" end
      seen[name] = true
    end
    at = to + 1
  end
end

local function known_fields(path)
  for _, row in ipairs(FIELDS) do
    if path:find(row[1]) then return row[2] end
  end
  return nil
end

function envoy_on_request(handle)
  local path = handle:headers():get(":path"):match("^[^?]*")
  local known = known_fields(path)
  local body = handle:body()
  if known == nil or body == nil then return end
  local name, fault = faulty_name(body:getBytes(0, body:length()), known)
  if name ~= nil then
    handle:respond({[":status"] = "400"}, fault .. ": " .. name:sub(1, 64))
  end
end
