-- Asks for a different query each time and checks every answer. Arguments: "echo" or a body's length.
-- wrk does not say on which connection an answer came, so an answer must be one that somebody waits for
-- and that nobody has had yet.
local threads = {}
local mode = "echo"
local last = 0
local waiting = {}
checked, wrong = 0, 0

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  mode = args[1] or "echo"
end

function request()
  last = last + 1
  waiting["n=" .. last] = true
  return wrk.format("GET", wrk.path .. "?n=" .. last)
end

local function right(body)
  if mode ~= "echo" then return #body == tonumber(mode) end
  if not body:match("^n=%d+$") or not waiting[body] then return false end
  waiting[body] = nil
  return true
end

function response(status, headers, body)
  checked = checked + 1
  local length = tonumber(headers["Content-Length"] or headers["content-length"])
  if status ~= 200 or length ~= #body or not right(body) then wrong = wrong + 1 end
end

function done()
  local all, bad = 0, 0
  for _, thread in ipairs(threads) do
    all = all + thread:get("checked")
    bad = bad + thread:get("wrong")
  end
  io.write(string.format("CHECKED %d WRONG %d\n", all, bad))
end
