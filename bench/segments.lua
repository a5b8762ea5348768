-- wrk: asks for the segments of a video in a circle; arguments: video id, number of segments.
local n = 0
local video, count

function init(args)
  video, count = args[1], tonumber(args[2])
end

function request()
  n = n + 1
  return wrk.format("GET", "/v/" .. video .. "/720p/seg_" .. (n % count) .. ".m4s")
end

function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d\n", summary.bytes, summary.duration, e.connect + e.read + e.write + e.status + e.timeout))
end
