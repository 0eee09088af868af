-- Asks for one of the files /many/0.bin to /many/N-1.bin at random. Argument: N.
local count = 1

function init(args)
  count = tonumber(args[1])
  math.randomseed(1)
end

function request()
  return wrk.format("GET", "/many/" .. math.random(0, count - 1) .. ".bin")
end
