-- Stores a token unless one with the same or a higher fence is there, and ends the lease.
local owner, lease_fence, fence = ARGV[1], ARGV[2], ARGV[3]
local header, value, left, keep = ARGV[4], ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])

local token = read_token()
local lease = read_lease()
local last, last_left = read_fence()
-- Only to find an unreadable value, which this script replaces.
read(COOLDOWN)
if failed then return failed end

-- The command that needs no memory comes first: once it has run, a full server lets the script finish its writes.
if lease and lease.owner == owner and lease.fence == lease_fence then
  redis.call('DEL', LEASE)
end
-- The fence decides, even if the lease has expired meanwhile.
if token and not below(token.fence, fence) then
  return reply('superseded', token)
end
-- A publication heals all keys: whatever cannot be read would be reported at each lease.
for key in pairs(unreadable) do
  redis.call('DEL', key)
end
-- Without time left, this is a revocation: the token is gone for all processes.
if left > 0 then
  redis.call('SET', TOKEN, 'v' .. VERSION .. ' ' .. header .. '\n' .. value, 'PX', ARGV[6])
elseif token then
  redis.call('DEL', TOKEN)
end
write_fence(fence, last, last_left, left + keep)
return { 'published' }
