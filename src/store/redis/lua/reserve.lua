-- Grants slots to the owner. With a limit of 0, only reports the state of the book.
local owner, limit, burst, want = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local is_known, was_alone = ARGV[5] == '1', ARGV[6] == '1'

local page = read()
if limit == 0 then
  if not page then return {} end
  return reply(page, {}, 0, typed('ZCARD', OWNERS))
end
-- A process that had slots before, or sent without any, may have used the window of a lost book up.
if not page then
  page = fresh(limit, (is_known or was_alone) and 0 or burst)
end
state_limit(page, limit)
trim()
local gap = div(WINDOW, page.limit)
-- The arguments from the seventh on are the slots that the process did not use.
take_back(page, owner, 7, gap)
local rested = math.max(now - page.next, 0)
page.credit = math.min(page.credit + rested, gap * math.min(burst, page.limit))
page.next = math.max(page.next, now)
-- It has sent without slots, so an unknown part of the window is used up.
if was_alone then page.credit = 0 end
local slots, share, owners = take(page, owner, want, gap)
keep(page)
return reply(page, slots, share, owners)
