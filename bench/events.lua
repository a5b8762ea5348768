-- wrk: posts batches of playback events, as players send them; argument: events per batch. Nothing is made up while the clock runs.
local bodies, n = {}, 0
local types = { "watch_time", "segment_fetched", "watch_time", "bitrate_selected", "watch_time", "segment_fetched", "stall", "seek" }
local renditions = { "1080p", "720p", "480p", "360p" }

local function event(session, sequence)
  return string.format('{"video_id":"bench%02d","session_id":"bench-%06d","sequence":%d,"type":"%s","player_time":%d,"position_seconds":%.3f,' ..
    '"duration_seconds":4.004,"rendition":"%s","bitrate":%d,"segment_index":%d,"viewer_id":"viewer-%d","buffer_seconds":12.5,"throughput":25400000}',
    session % 20, session, sequence, types[sequence % #types + 1], 1760000000000 + sequence * 4004, sequence * 4.004,
    renditions[session % #renditions + 1], 3000000 + session, sequence, session % 1000)
end

function init(args)
  local batch = tonumber(args[1])
  for session = 1, 40 do
    local events = {}
    for sequence = 0, batch - 1 do events[#events + 1] = event(session * 7919 % 100000, sequence) end
    bodies[session] = wrk.format("POST", "/e", { ["Content-Type"] = "application/json" }, "[" .. table.concat(events, ",") .. "]")
  end
end

function request()
  n = n + 1
  return bodies[n % #bodies + 1]
end

function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d\n", summary.requests, summary.duration, e.connect + e.read + e.write + e.status + e.timeout))
end
