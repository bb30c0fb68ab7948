-- Ends a lease without a token, and optionally starts a cooldown, in which no process gets a lease.
local owner, lease_fence, cooldown = ARGV[1], ARGV[2], tonumber(ARGV[3])

local lease = read_lease()
local _, left = read(COOLDOWN)
if failed then return failed end
-- A late process must not end the lease of another one, or stop all by a cooldown.
if not lease or lease.owner ~= owner or lease.fence ~= lease_fence then return { 'nothing' } end

redis.call('DEL', LEASE)
-- The longer cooldown stays.
if cooldown > (left or 0) then
  redis.call('SET', COOLDOWN, '1', 'PX', ARGV[3])
end
return { 'abandoned' }
