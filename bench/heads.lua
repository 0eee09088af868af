-- Sends the requests that bench/requests.js prepared: each thread is one client and sends its requests in turn.
-- Argument: the folder in which the file N has the requests of thread N.
local count = 0
local requests = {}
local last = 0

function setup(thread)
  thread:set("id", count)
  count = count + 1
end

function init(args)
  local file = assert(io.open(args[1] .. "/" .. id, "rb"))
  for each in file:read("*a"):gmatch("(.-\r\n\r\n)") do
    table.insert(requests, each)
  end
  file:close()
end

function request()
  last = last % #requests + 1
  return requests[last]
end
