-- Returns an acceptable token, a lease, or the time to wait.
--
-- The rules are those of store/record.rs; the conformance suite checks both.
local owner, at_least, min_left, rejected = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local lease_time, keep = ARGV[5], tonumber(ARGV[6])

local token = read_token()
if failed then return failed end
-- First: neither a lease nor a cooldown hides a usable token.
if token and not below(token.fence, at_least)
  and token.left >= math.min(min_left, token.lifetime / 5)
  and token.fingerprint ~= rejected then
  return reply('token', token)
end

-- Before the lease: a cooldown begins when a lease ends, and no lease is granted during it.
local _, cooldown = read(COOLDOWN)
if failed then return failed end
if cooldown then return { 'cooldown', cooldown } end

local lease = read_lease()
local last, last_left = read_fence()
if failed then return failed end
if lease and lease.owner ~= owner then return { 'busy', lease.left } end

-- The owner gets its own lease again, unless its fence is too low: a lease is above all tokens that a process has seen.
local fence
if lease and below(at_least, lease.fence) and not (token and not below(token.fence, lease.fence)) then
  fence = lease.fence
else
  local now = redis.call('TIME')
  fence = string.format('%.0f', now[1] * 1000 + math.floor(now[2] / 1000))
  fence = newest(fence, above(at_least))
  if token then fence = newest(fence, above(token.fence)) end
  if lease then fence = newest(fence, above(lease.fence)) end
  if last then fence = newest(fence, above(last)) end
end
-- An owner that asks again gets the whole time again: it may have lost the first answer.
redis.call('SET', LEASE, owner .. ' ' .. fence, 'PX', lease_time)
write_fence(fence, last, last_left, keep)
return { 'leased', fence, fault or '' }
