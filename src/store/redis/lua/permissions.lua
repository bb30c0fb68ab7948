-- Returns the commands of the token scripts that the user may not run on these keys.
try('TIME')
for _, key in ipairs(KEYS) do
  try('GET', key)
  try('PTTL', key)
  try('SET', key, '', 'PX', '1000')
  try('DEL', key)
end
return denied
