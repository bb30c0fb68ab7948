-- Reads and checks the keys. Precedes each token script; KEYS is the same in all of them:
local TOKEN, LEASE, COOLDOWN, FENCE = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

local VERSION = '1'
local HIGHEST = '18446744073709551615'

-- The first error that is not about the value of a key. The script returns it.
local failed
-- The first fault of a value, and the keys whose values are unreadable.
local fault
local unreadable = {}

local function refuse(key, what)
  fault = fault or what
  unreadable[key] = true
end

-- Fences are unsigned 64-bit numbers, but Lua's numbers are exact to 2^53 only. So fences stay strings of digits.
local function below(a, b)
  if #a ~= #b then return #a < #b end
  return a < b
end

-- Returns the higher of two fences, either of which may be nil.
local function newest(a, b)
  if a and (not b or below(b, a)) then return a end
  return b
end

-- Returns the fence after this one. The highest one has none above it.
local function above(fence)
  if fence == HIGHEST then return fence end
  -- Nines at the end become zeros, and the digit before them grows by one.
  local head, nines = string.match(fence, '^(%d-)(9*)$')
  if head == '' then head = '0' end
  local last = string.byte(head, -1) + 1
  return string.sub(head, 1, -2) .. string.char(last) .. string.rep('0', #nines)
end

local function is_fence(digits)
  return string.match(digits, '^0$') or string.match(digits, '^[1-9]%d*$') and not below(HIGHEST, digits)
end

-- Returns a value and its remaining milliseconds. A key without expiry is corrupt: this store never writes one.
local function read(key)
  local value = redis.pcall('GET', key)
  if type(value) == 'table' then
    if string.find(value.err, 'WRONGTYPE', 1, true) then
      refuse(key, 'corrupt')
    else
      failed = failed or value
    end
    return nil
  end
  if not value then return nil end
  local left = redis.call('PTTL', key)
  -- Zero: the key expires within this millisecond, so it counts as gone.
  if left > 0 then return value, left end
  if left == -1 then refuse(key, 'corrupt') end
  return nil
end

-- Returns the token, or nil if there is none or it is unreadable.
local function read_token()
  local raw, left = read(TOKEN)
  if not raw then return nil end
  -- The version comes before the rest, whose form only this version knows.
  local version = string.match(raw, '^v(%d+) ')
  if version and version ~= VERSION then
    refuse(TOKEN, 'incompatible')
    return nil
  end
  local fence, fingerprint, lifetime, at = string.match(raw, '^v%d+ (%d+) (%x+) (%d+)\n()')
  -- At most 15 digits of lifetime: a double keeps them exactly.
  if not fence or not is_fence(fence) or #fingerprint ~= 32 or #lifetime > 15 then
    refuse(TOKEN, 'corrupt')
    return nil
  end
  return {
    fence = fence,
    fingerprint = string.lower(fingerprint),
    lifetime = tonumber(lifetime),
    -- Anyone with write access can extend a key's expiry, so the token's own lifetime caps it.
    left = math.min(left, tonumber(lifetime)),
    value = string.sub(raw, at),
  }
end

local function read_lease()
  local raw, left = read(LEASE)
  if not raw then return nil end
  local owner, fence = string.match(raw, '^(%x+) (%d+)$')
  if not owner or #owner ~= 32 or not is_fence(fence) then
    refuse(LEASE, 'corrupt')
    return nil
  end
  return { owner = owner, fence = fence, left = left }
end

local function read_fence()
  local fence, left = read(FENCE)
  if fence and not is_fence(fence) then
    refuse(FENCE, 'corrupt')
    return nil
  end
  return fence, left
end

-- Keeps the highest fence, and never for a shorter time than before.
local function write_fence(fence, last, last_left, keep)
  local left = math.max(keep, last_left or 0)
  redis.call('SET', FENCE, newest(fence, last), 'PX', string.format('%.0f', left))
end

-- The reply with a token; reply.rs reads it.
local function reply(tag, token)
  return { tag, token.fence, token.fingerprint, token.lifetime, token.left, token.value }
end
