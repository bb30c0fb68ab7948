-- Collects the commands that the user may not run. Precedes each script that tries commands.
local denied = {}
local function try(command, ...)
  -- Any other error is about the arguments: the command itself is allowed.
  local result = redis.pcall(command, ...)
  if type(result) == 'table' and result.err then
    local text = string.lower(result.err)
    -- Each version of Redis and Valkey says it in other words.
    if string.find(text, 'noperm', 1, true) or string.find(text, 'no permission', 1, true)
      or string.find(text, "can't run this command", 1, true) or string.find(text, "can't access", 1, true)
      or string.find(text, 'acl failure', 1, true) then
      denied[#denied + 1] = command
    end
  end
end
