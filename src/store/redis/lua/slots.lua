-- The rules of a book of slots, the same as in store/book/rules.rs; the conformance suite compares both. All times are
-- microseconds since 1970 by the server's clock, within the range in which Lua's numbers are exact.
local LOG, OWNERS, PAID, BOOK = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local VERSION = '1'
local WINDOW, HORIZON = 61000000, 2000000
-- In microseconds, except MOST, the largest number of slots in one grant.
local BURST_WIDTH, SET_BACK, MOST = 10000, 1000000, 1000
-- No process writes a time further ahead than this.
local FURTHEST = 86400000000

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
-- The fault of an unreadable book, which the reply reports.
local fault = ''

-- Lua would write a large number with an exponent.
local function digits(number)
  return string.format('%.0f', number)
end

local function div(a, b)
  return math.floor(a / b)
end

-- Runs a command. Deletes a key of the wrong type, which this store never writes, and runs the command again.
local function typed(command, key, ...)
  local result = redis.pcall(command, key, ...)
  if type(result) == 'table' and result.err then
    if string.find(result.err, 'WRONGTYPE', 1, true) then
      fault = 'corrupt'
      redis.call('DEL', key)
    end
    return redis.call(command, key, ...)
  end
  return result
end

-- The numbers of the book; rules.rs documents each.
local FIELDS = { 'limit', 'limit_at', 'next', 'credit', 'closed', 'last', 'touched' }

-- Returns the book, or nil if there is none, or it cannot be used.
local function read()
  local values = typed('HMGET', BOOK, 'version', unpack(FIELDS))
  if not values[1] then return nil end
  if values[1] ~= VERSION then
    fault = 'incompatible'
    return nil
  end
  local page = {}
  for index, field in ipairs(FIELDS) do
    local value = values[index + 1]
    -- A time far in the future would stop all processes.
    if not value or #value > 16 or not string.match(value, '^%d+$') or tonumber(value) > now + FURTHEST then
      fault = 'corrupt'
      return nil
    end
    page[field] = tonumber(value)
  end
  if page.limit < 1 or page.limit > 100000 or page.credit > WINDOW then
    fault = 'corrupt'
    return nil
  end
  -- The clock was set back: the slots are at times that no longer mean anything.
  if page.touched > now + SET_BACK then return nil end
  return page
end

-- Returns a new book, and deletes what is left of an old one.
local function fresh(limit, burst)
  redis.call('DEL', LOG, OWNERS, PAID, BOOK)
  -- The unreadable book may have been full of recent slots.
  if fault ~= '' then burst = 0 end
  return {
    limit = limit, limit_at = now, next = now, credit = div(WINDOW, limit) * burst,
    closed = 0, last = 0, touched = now,
  }
end

-- Keeps the lowest limit for as long as a process states it.
local function state_limit(page, limit)
  if limit <= page.limit or now - page.limit_at >= 2 * WINDOW then
    page.limit, page.limit_at = limit, now
  end
end

-- Forgets slots before the window, and inactive owners.
local function trim()
  typed('ZREMRANGEBYSCORE', LOG, '-inf', digits(now - WINDOW))
  typed('ZREMRANGEBYSCORE', OWNERS, '-inf', digits(now))
  typed('ZREMRANGEBYSCORE', PAID, '-inf', digits(now))
end

-- Returns the distance of the window's remaining slots when they are spread over it evenly.
local function spread(page, slot)
  local begin = '(' .. digits(slot - WINDOW)
  local first = redis.call('ZRANGEBYSCORE', LOG, begin, '+inf', 'LIMIT', 0, 1)[1]
  if not first then return 0 end
  local left = page.limit - redis.call('ZCOUNT', LOG, begin, '+inf')
  if left <= 0 then return 0 end
  return div(tonumber(first) + WINDOW - slot, left)
end

-- Frees the slots that their owner did not use. Unknown ones are ignored: a repeated call returns them twice.
local function take_back(page, owner, from, gap)
  for index = from, #ARGV do
    local slot = ARGV[index]
    if redis.call('ZREM', LOG, slot) == 1 then
      -- A past slot is time that was not used; a future one is simply free again.
      if tonumber(slot) <= now then
        page.credit = page.credit + gap
      elseif redis.call('ZSCORE', OWNERS, owner) then
        local till = tonumber(redis.call('ZSCORE', OWNERS, owner))
        redis.call('ZADD', OWNERS, digits(math.min(till, now + HORIZON)), owner)
        redis.call('ZREM', PAID, owner)
      end
    end
  end
end

-- Grants one slot: the earliest that fits the limit, or earlier slots in a burst for saved time.
local function next_slot(page, gap)
  local freed = 0
  -- The slot that must leave the window before another one fits in.
  local place = redis.call('ZCARD', LOG) - page.limit
  if place >= 0 then
    freed = tonumber(redis.call('ZRANGE', LOG, place, place)[1]) + WINDOW
  end
  local earliest = math.max(freed, page.last + 1, page.closed, now)
  local slot = math.max(earliest, page.next)
  -- A burst: saved time pays for a slot now.
  if slot > now and page.credit >= gap and earliest <= now + BURST_WIDTH then
    page.credit = page.credit - gap
    slot = earliest
  end
  redis.call('ZADD', LOG, digits(slot), digits(slot))
  page.last = slot
  page.next = slot + math.max(gap, spread(page, slot))
  return slot
end

-- Grants each owner an equal share of the time ahead, and at least one slot if it has none.
local function take(page, owner, want, gap)
  local till = tonumber(redis.call('ZSCORE', OWNERS, owner) or 0)
  local paid = math.max(tonumber(redis.call('ZSCORE', PAID, owner) or 0), now)
  local owners = redis.call('ZCARD', OWNERS)
  if till == 0 then owners = owners + 1 end
  local turn = owners * math.max(gap, spread(page, page.last))
  local share = div(math.max(now + HORIZON - paid, 0), turn)
  share = math.max(share, div(div(page.credit, gap), owners))
  if till <= now + HORIZON then share = math.max(share, 1) end
  local slots, last = {}, math.max(now, till - HORIZON)
  for _ = 1, math.min(share, want, MOST) do
    last = next_slot(page, gap)
    slots[#slots + 1] = digits(last)
  end
  last = math.max(last, till - HORIZON)
  paid = math.min(paid + #slots * turn, last)
  redis.call('ZADD', OWNERS, digits(last + HORIZON), owner)
  redis.call('ZADD', PAID, digits(paid), owner)
  return slots, share, owners
end

-- Writes the book, and lets all its keys expire together.
local function keep(page)
  page.touched = now
  local life = math.max(now, page.last, page.closed) + 2 * WINDOW - now
  local fields = { 'version', VERSION }
  for _, field in ipairs(FIELDS) do
    fields[#fields + 1] = field
    fields[#fields + 1] = digits(page[field])
  end
  redis.call('HSET', BOOK, unpack(fields))
  for _, key in ipairs(KEYS) do
    redis.call('PEXPIRE', key, digits(math.ceil(life / 1000)))
  end
end

-- The reply of reserve; book.rs reads it.
local function reply(page, slots, share, owners)
  local closed = math.max(page.closed - now, 0)
  return { digits(now), digits(share), owners, page.limit, digits(closed), fault, unpack(slots) }
end
