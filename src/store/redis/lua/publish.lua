-- Stores a token unless one with the same or a higher fence is there, and ends the lease.
local owner, lease_fence, fence = ARGV[1], ARGV[2], ARGV[3]
local header, value, left, keep = ARGV[4], ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])

local token = read_token()
local lease = read_lease()
local last, last_left = read_fence()
read(COOLDOWN)
if failed then return failed end

-- The command that needs no memory comes first: once it has run, a full server lets the script finish its writes.
if lease and lease.owner == owner and lease.fence == lease_fence then
  redis.call('DEL', LEASE)
end
if token and not below(token.fence, fence) then
  return reply('superseded', token)
end
for key in pairs(unreadable) do
  redis.call('DEL', key)
end
if left > 0 then
  redis.call('SET', TOKEN, 'v' .. VERSION .. ' ' .. header .. '\n' .. value, 'PX', ARGV[6])
elseif token then
  redis.call('DEL', TOKEN)
end
write_fence(fence, last, last_left, left + keep)
return { 'published' }
