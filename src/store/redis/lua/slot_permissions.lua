-- Returns the commands of the book scripts that the user may not run on these keys.
try('TIME')
for _, key in ipairs({ KEYS[1], KEYS[2], KEYS[3] }) do
  try('ZADD', key, '1', '1')
  -- Without the right to ZREM, the key would stay.
  try('PEXPIRE', key, '1000')
  try('ZCARD', key)
  try('ZCOUNT', key, '-inf', '+inf')
  try('ZRANGE', key, '0', '0')
  try('ZRANGEBYSCORE', key, '-inf', '+inf', 'LIMIT', '0', '1')
  try('ZSCORE', key, '1')
  try('ZREM', key, '1')
  try('ZREMRANGEBYSCORE', key, '-inf', '0')
end
try('HSET', KEYS[4], 'version', '0')
try('HMGET', KEYS[4], 'version')
try('PEXPIRE', KEYS[4], '1000')
try('DEL', KEYS[4])
return denied
