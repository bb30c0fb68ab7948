-- Closes the book after a 429: no slot begins during the wait.
local limit, wait = tonumber(ARGV[1]), tonumber(ARGV[2])

local page = read() or fresh(limit, 0)
state_limit(page, limit)
trim()
page.closed = math.max(page.closed, now + wait)
page.next = math.max(page.next, page.closed)
page.credit = 0
keep(page)
return { digits(now) }
