// What the analytics routes answer: vora/analytics/v1/queries.proto as JSON.

export interface Range {
  from?: string;
  to?: string;
}
export interface Totals {
  views: number;
  unique_viewers: number;
  watch_seconds: number;
  average_watch_seconds: number;
  median_startup_seconds: number;
  p95_startup_seconds: number;
  stalls: number;
  stall_seconds: number;
  rebuffer_ratio: number;
  views_with_errors: number;
  viewers_now: number;
  completion_ratio: number;
  events: number;
  lost_events: number;
}
export interface RetentionPoint {
  start_seconds: number;
  viewers: number;
  ratio: number;
  exits: number;
}
export interface BitrateShare {
  bitrate: number;
  rendition: string;
  watch_seconds: number;
  ratio: number;
}
export interface TimePoint {
  time: string;
  views: number;
  watch_seconds: number;
  stall_seconds: number;
  average_bitrate: number;
  bitrates: BitrateShare[];
}
export interface VideoNumbers {
  video_id: string;
  range?: Range;
  totals?: Totals;
  bucket_seconds: number;
  retention: RetentionPoint[];
  bitrates: BitrateShare[];
  series_seconds: number;
  series: TimePoint[];
}
export interface VideoShare {
  video_id: string;
  title: string;
  views: number;
  watch_seconds: number;
  average_watch_seconds: number;
  rebuffer_ratio: number;
  viewers_now: number;
}
export interface CatalogNumbers {
  range?: Range;
  totals?: Totals;
  videos: VideoShare[];
  bitrates: BitrateShare[];
  series_seconds: number;
  series: TimePoint[];
}
export interface Session {
  session_id: string;
  video_id: string;
  started_at?: string;
  last_seen_at?: string;
  startup_seconds: number;
  watch_seconds: number;
  stalls: number;
  stall_seconds: number;
  errors: number;
  renditions: string[];
  exit_seconds: number;
  ended: boolean;
  events: number;
  lost_events: number;
}
export interface SessionPage {
  sessions: Session[];
  next_page_token: string;
}
export type StallCause = 'UNSPECIFIED' | 'ORIGIN' | 'CACHE' | 'NETWORK' | 'PLAYER';
export interface Stall {
  time?: string;
  position_seconds: number;
  duration_seconds: number;
  cause: StallCause;
  reason: string;
}
export interface SessionEvent {
  time?: string;
  player_time?: string;
  sequence: number; // -1: none
  type: string;
  position_seconds: number;
  duration_seconds: number;
  rendition: string;
  bitrate: number;
  segment_index: number; // -1: none
  error_code: string;
  cache: string;
  origin_seconds: number;
  bytes: number;
  status: number;
  object: string;
}
export interface SessionDetail {
  session?: Session;
  stalls: Stall[];
  events: SessionEvent[];
  more_events: boolean;
}
export interface LiveViewers {
  viewers_now: number;
  videos: { video_id: string; viewers_now: number }[];
}
