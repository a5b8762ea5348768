// The playback events that the player posts to /e, as in vora.analytics.v1.PlaybackEvent.

export type EventType =
  | 'play'
  | 'pause'
  | 'seek'
  | 'segment_fetched'
  | 'watch_time'
  | 'bitrate_selected'
  | 'stall'
  | 'error'
  | 'ended';

export interface EventFields {
  position_seconds: number;
  duration_seconds?: number;
  rendition?: string;
  bitrate?: number;
  segment_index?: number;
  error_code?: string;
  buffer_seconds?: number;
  throughput?: number;
  bytes?: number;
}

export interface PlaybackEvent extends EventFields {
  video_id: string;
  session_id: string;
  sequence: number;
  type: EventType;
  player_time: string; // RFC 3339
  viewer_id?: string;
}

const round = (value: number) => Math.round(Math.max(0, value) * 1000) / 1000;

// Seconds to the millisecond, counts whole; what is not a number is left out.
export function clean(fields: EventFields): EventFields {
  const out: EventFields = { position_seconds: Number.isFinite(fields.position_seconds) ? round(fields.position_seconds) : 0 };
  for (const key of ['duration_seconds', 'buffer_seconds'] as const) {
    const value = fields[key];
    if (value !== undefined && Number.isFinite(value)) out[key] = round(value);
  }
  for (const key of ['bitrate', 'throughput', 'bytes', 'segment_index'] as const) {
    const value = fields[key];
    if (value !== undefined && Number.isFinite(value) && value >= 0) out[key] = Math.round(value);
  }
  if (fields.rendition) out.rendition = fields.rendition.slice(0, 64);
  if (fields.error_code) out.error_code = fields.error_code.slice(0, 64);
  return out;
}
