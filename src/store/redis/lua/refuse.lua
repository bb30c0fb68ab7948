-- Closes the book after a 429: no slot begins during the wait.
local limit, wait = tonumber(ARGV[1]), tonumber(ARGV[2])

-- A new book grants no burst: the server has just refused a request.
local page = read() or fresh(limit, 0)
state_limit(page, limit)
trim()
page.closed = math.max(page.closed, now + wait)
page.next = math.max(page.next, page.closed)
-- Saved time ends, since the server counted more sends than the book.
page.credit = 0
keep(page)
return { digits(now) }
