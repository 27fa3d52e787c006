-- Amounts are decimal text from beginning to end: a Lua number is a double, inexact above 2^53. Sums are made of
-- two halves of at most ten digits, each exact; comparisons are of text.

local MAX = '9223372036854775807'

local function less(a, b)
  if #a ~= #b then
    return #a < #b
  end
  return a < b
end

local function halves(amount)
  local digits = #amount
  if digits <= 9 then
    return 0, tonumber(amount)
  end
  return tonumber(string.sub(amount, 1, digits - 9)), tonumber(string.sub(amount, -9))
end

local function joined(high, low)
  if high == 0 then
    return string.format('%d', low)
  end
  return string.format('%d%09d', high, low)
end

local function plus(a, b)
  if b == '0' then
    return a
  end
  local high, low = halves(a)
  local more_high, more_low = halves(b)
  high, low = high + more_high, low + more_low
  if low >= 1000000000 then
    high, low = high + 1, low - 1000000000
  end
  return joined(high, low)
end

-- For a not below b.
local function minus(a, b)
  if b == '0' then
    return a
  end
  local high, low = halves(a)
  local less_high, less_low = halves(b)
  high, low = high - less_high, low - less_low
  if low < 0 then
    high, low = high - 1, low + 1000000000
  end
  return joined(high, low)
end

-- What Redis holds, absent as '0'; nil for what is no amount.
local function amount(value)
  if not value then
    return '0'
  end
  if value == '0' or (#value <= 19 and string.find(value, '^[1-9]%d*$') and not less(MAX, value)) then
    return value
  end
  return nil
end
