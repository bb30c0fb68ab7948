-- Which of the commands that the other scripts call this user may not run on these keys.
local denied = {}
local function try(command, ...)
  local result = redis.pcall(command, ...)
  if type(result) == 'table' and result.err then
    local text = string.lower(result.err)
    if string.find(text, 'noperm', 1, true) or string.find(text, 'no permission', 1, true)
      or string.find(text, "can't run this command", 1, true) or string.find(text, "can't access", 1, true)
      or string.find(text, 'acl failure', 1, true) then
      denied[#denied + 1] = command
    end
  end
end
try('TIME')
for _, key in ipairs(KEYS) do
  try('GET', key)
  try('PTTL', key)
  try('SET', key, '', 'PX', '1000')
  try('DEL', key)
end
return denied
