-- wrk: asks for the segments of a video in a circle; arguments: video id, number of segments, and `cmcd` to say which of 50 sessions asks.
local n = 0
local video, count, cmcd

function init(args)
  video, count, cmcd = args[1], tonumber(args[2]), args[3] == "cmcd"
end

function request()
  n = n + 1
  local client = cmcd and ("?CMCD=bl%3D12300%2Cbr%3D3000%2Cmtp%3D25400%2Csid%3D%22bench-" .. (n % 50) .. "%22") or ""
  return wrk.format("GET", "/v/" .. video .. "/720p/seg_" .. (n % count) .. ".m4s" .. client)
end

function done(summary, latency, requests)
  local e = summary.errors
  local errors = e.connect + e.read + e.write + e.status + e.timeout
  io.write(string.format("RESULT %d %d %d %d\n", summary.bytes, summary.duration, errors, latency:percentile(99)))
end
