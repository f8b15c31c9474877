-- Prints what wrk has measured as one line of JSON. Latencies in microseconds. With a file as argument: a cookie on each
-- line, and each request is sent with the next one.
init = function(args)
  if not args[1] then return end
  local requests, last = {}, 0
  for cookie in io.lines(args[1]) do
    local headers = {}
    for name, value in pairs(wrk.headers) do headers[name] = value end
    headers.cookie = cookie
    requests[#requests + 1] = wrk.format(nil, nil, headers)
  end
  request = function()
    last = last % #requests + 1
    return requests[last]
  end
end

done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"durationUs":%d,"bytes":%d,"failed":%d,"p50":%d,"p95":%d,"p99":%d}\n',
    summary.requests, summary.duration, summary.bytes,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50), latency:percentile(95), latency:percentile(99)))
end
