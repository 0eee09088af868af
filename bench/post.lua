-- Repeats one POST request with a JSON text. Argument: the text.
function init(args)
  wrk.method = "POST"
  wrk.body = args[1]
  wrk.headers["Content-Type"] = "application/json"
end
