-- Gives answers their last shape: errors of services become {code, name, message, field, traceId} with an HTTP
-- status that fits, a new order or withdrawal is 201, 429 says in Retry-After when to come again, and what
-- services say to each other in headers stays inside.

-- gRPC status: its name, the HTTP status, and the error's name where a service gave none.
local STATUS = {
  -- A client that hangs up hears no answer: whoever hears this had a service end under the call.
  ["1"] = {"UNAVAILABLE", "503", "UNAVAILABLE"},
  ["2"] = {"UNKNOWN", "500", "INTERNAL"},
  ["3"] = {"INVALID_ARGUMENT", "400", "INVALID"},
  ["4"] = {"DEADLINE_EXCEEDED", "504", "DEADLINE"},
  ["5"] = {"NOT_FOUND", "404", "NOT_FOUND"},
  ["6"] = {"ALREADY_EXISTS", "409", "CONFLICT"},
  ["7"] = {"PERMISSION_DENIED", "403", "FORBIDDEN"},
  ["8"] = {"RESOURCE_EXHAUSTED", "429", "TOO_MANY"},
  ["9"] = {"FAILED_PRECONDITION", "422", "REFUSED"},
  ["10"] = {"ABORTED", "409", "CONFLICT"},
  ["11"] = {"OUT_OF_RANGE", "400", "INVALID"},
  ["12"] = {"UNIMPLEMENTED", "501", "UNIMPLEMENTED"},
  ["13"] = {"INTERNAL", "500", "INTERNAL"},
  ["14"] = {"UNAVAILABLE", "503", "UNAVAILABLE"},
  ["15"] = {"DATA_LOSS", "500", "INTEGRITY"},
  ["16"] = {"UNAUTHENTICATED", "401", "UNAUTHENTICATED"},
}

local INTERNAL = {
  "grpc-status", "grpc-message", "grpc-encoding", "grpc-accept-encoding",
  "outcry-error-name", "outcry-error-field", "retry-after-ms",
}

local ESCAPES = {['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t"}

local function quoted(text)
  return '"' .. text:gsub('[%c"\\]', function(c)
    return ESCAPES[c] or string.format("\\u%04x", c:byte())
  end) .. '"'
end

local function percent_decoded(text)
  return (text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

local function error_body(headers, status)
  local message = percent_decoded(headers:get("grpc-message") or "")
  if headers:get("grpc-status") == "1" then
    message = "the service ended meanwhile: ask what became of the request, then try again"
  end
  local name = headers:get("outcry-error-name")
  -- An error of Envoy's own on the far side of the transcoder: the message is the whole body already.
  if name == nil and message:sub(1, 1) == "{" then
    return message
  end
  return "{" .. table.concat({
    '"code":' .. quoted(status[1]),
    '"name":' .. quoted(name or status[3]),
    '"message":' .. quoted(message),
    '"field":' .. quoted(headers:get("outcry-error-field") or ""),
    '"traceId":' .. quoted(headers:get("x-trace-id") or ""),
  }, ",") .. "}"
end

local function http_status_of(body, status)
  local code = body:match('"code":"([A-Z_]+)"')
  for _, known in pairs(STATUS) do
    if known[1] == code then return known[2] end
  end
  return status[2]
end

local function set_retry_after(headers)
  local millis = tonumber(headers:get("retry-after-ms") or "")
  local reset = tonumber(headers:get("x-ratelimit-reset") or "")
  local seconds = millis and math.ceil(millis / 1000) or reset or 1
  headers:replace("retry-after", string.format("%d", math.max(seconds, 1)))
end

function envoy_on_response(handle)
  local headers = handle:headers()
  local grpc = headers:get("grpc-status")
  if grpc ~= nil and grpc ~= "0" then
    local status = STATUS[grpc] or STATUS["2"]
    local body = error_body(headers, status)
    headers:replace(":status", http_status_of(body, status))
    headers:replace("content-type", "application/json")
    handle:body(true):setBytes(body)
    headers:replace("content-length", tostring(#body))
  elseif grpc == "0" and handle:metadata():get("creates") then
    headers:replace(":status", "201")
  end
  if headers:get(":status") == "429" then
    set_retry_after(headers)
  end
  for _, name in ipairs(INTERNAL) do
    headers:remove(name)
  end
end
