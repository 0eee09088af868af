-- GETs and POSTs in turn, some of them slow; and what was counted, as one line of JSON.
local count = 0

request = function()
  count = count + 1
  local path = count % 10 == 0 and '/slow' or '/'
  if count % 2 == 0 then return wrk.format('GET', path) end
  return wrk.format('POST', path, nil, 'content')
end

done = function(summary)
  local errors = summary.errors
  -- wrk counts a response with a status above 399 as answered, too.
  print(string.format(
    'counts {"answered":%d,"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}',
    summary.requests - errors.status, errors.connect, errors.read, errors.write, errors.status, errors.timeout
  ))
end
