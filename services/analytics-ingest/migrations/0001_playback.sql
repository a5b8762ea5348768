-- Playback events, one row per accepted event. Runs on ClickHouse 18.16 and later; see docs/adr/0006-analytics-exactly-once.md.
-- Rows arrive in batches of one day each: an insert makes one part, so it is there as a whole or not at all. `guard` refuses an insert that
-- begins after `not_after` (Unix seconds, 0: any time), so that one given up long ago cannot come to life.
CREATE TABLE IF NOT EXISTS playback_events (
  event_date Date,
  event_time DateTime,
  server_ms Int64,
  player_ms Int64,
  tenant String,
  video_id String,
  session_id String,
  sequence Int64,
  type Enum8('play' = 1, 'pause' = 2, 'seek' = 3, 'segment_fetched' = 4, 'watch_time' = 5, 'bitrate_selected' = 6, 'stall' = 7,
             'error' = 8, 'ended' = 9, 'delivery' = 10),
  source Enum8('json' = 1, 'cmcd' = 2, 'grpc' = 3, 'gateway' = 4),
  position_ms UInt32,
  duration_ms UInt32,
  rendition String,
  bitrate UInt32,
  segment_index Int32,
  error_code String,
  buffer_ms UInt32,
  throughput_kbps UInt32,
  viewer String,
  client_net String,
  cache String,
  origin_ms UInt32,
  bytes UInt64,
  status UInt16,
  object String,
  batch String,
  not_after UInt32,
  guard UInt8 MATERIALIZED throwIf(not_after != 0 AND toUInt32(now()) > not_after)
) ENGINE = MergeTree PARTITION BY event_date ORDER BY (tenant, video_id, event_time);

-- One row per view and day. Every state is idempotent (minimum, maximum, set), so inserting a batch's rows twice, or receiving an event
-- twice, changes nothing. What must be added up is kept as a set of `deltas`:
-- (sequence, Unix seconds of the server, type, position_ms, duration_ms, bitrate) of watch_time and stall events; add up one per sequence.
CREATE TABLE IF NOT EXISTS playback_sessions (
  event_date Date,
  tenant String,
  video_id String,
  session_id String,
  viewer AggregateFunction(max, String),
  first_ms AggregateFunction(min, Int64),
  last_ms AggregateFunction(max, Int64),
  startup_ms AggregateFunction(minIf, UInt32, UInt8),
  max_position_ms AggregateFunction(max, UInt32),
  sequences AggregateFunction(uniqExactIf, Int64, UInt8),
  last_sequence AggregateFunction(max, Int64),
  events AggregateFunction(uniqExact, Int64),
  deltas AggregateFunction(groupUniqArrayIf, Tuple(Int64, UInt32, UInt8, UInt32, UInt32, UInt32), UInt8),
  renditions AggregateFunction(groupUniqArrayIf, String, UInt8),
  errors AggregateFunction(uniqExactIf, Int64, UInt8),
  played AggregateFunction(max, UInt8),
  ended AggregateFunction(max, UInt8)
) ENGINE = AggregatingMergeTree PARTITION BY event_date ORDER BY (tenant, video_id, session_id);

CREATE MATERIALIZED VIEW IF NOT EXISTS playback_sessions_mv TO playback_sessions AS
SELECT event_date, tenant, video_id, session_id,
  maxState(viewer) AS viewer,
  minState(server_ms) AS first_ms,
  maxState(server_ms) AS last_ms,
  minIfState(duration_ms, toUInt8(type = 'play' AND duration_ms > 0)) AS startup_ms,
  maxState(position_ms) AS max_position_ms,
  uniqExactIfState(sequence, toUInt8(sequence >= 0)) AS sequences,
  maxState(sequence) AS last_sequence,
  uniqExactState(sequence) AS events,
  groupUniqArrayIfState(tuple(sequence, toUInt32(event_time), toUInt8(toInt8(type)), position_ms, duration_ms, bitrate),
                        toUInt8(type IN ('watch_time', 'stall'))) AS deltas,
  groupUniqArrayIfState(rendition, toUInt8(rendition != '')) AS renditions,
  uniqExactIfState(sequence, toUInt8(type = 'error')) AS errors,
  maxState(toUInt8(type IN ('play', 'watch_time'))) AS played,
  maxState(toUInt8(type = 'ended')) AS ended
FROM playback_events WHERE type != 'delivery'
GROUP BY event_date, tenant, video_id, session_id;
