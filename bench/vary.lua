-- Sends a different query in each request and checks every response. Arguments: "echo" or the length of the body.
-- wrk does not report the connection of a response. So a response has to match a request in progress, and each
-- request gets one response.
local threads = {}
local mode = "echo"
local last = 0
local pending = {}
checked, wrong = 0, 0

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  mode = args[1] or "echo"
end

function request()
  last = last + 1
  pending["n=" .. last] = true
  return wrk.format("GET", wrk.path .. "?n=" .. last)
end

local function is_right(body)
  if mode ~= "echo" then return #body == tonumber(mode) end
  if not body:match("^n=%d+$") or not pending[body] then return false end
  pending[body] = nil
  return true
end

function response(status, headers, body)
  checked = checked + 1
  local length = tonumber(headers["Content-Length"] or headers["content-length"])
  if status ~= 200 or length ~= #body or not is_right(body) then wrong = wrong + 1 end
end

function done()
  local all, bad = 0, 0
  for _, thread in ipairs(threads) do
    all = all + thread:get("checked")
    bad = bad + thread:get("wrong")
  end
  io.write(string.format("CHECKED %d WRONG %d\n", all, bad))
end
