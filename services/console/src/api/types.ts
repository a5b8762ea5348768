// What the REST API answers (/openapi.json), as far as the pages use it.

export type VideoState = 'CREATED' | 'PROCESSING' | 'PARTIALLY_READY' | 'READY' | 'FAILED' | 'CANCELLED';
export type RenditionState = 'PENDING' | 'PROCESSING' | 'RETRYING' | 'DONE' | 'FAILED';

export interface Rendition {
  name: string;
  state: RenditionState;
  progress_percent: number;
  width: number; // 0 for sound
  height: number;
  frame_rate: number;
  codecs: string;
  bandwidth: number;
  average_bandwidth: number;
  segments_done: number;
  segments_total: number;
  failure: string;
  retries: number;
}

export interface Caption {
  language: string; // BCP 47; `und` when unknown
  name: string; // unique within the video
  url: string; // WebVTT of the whole video
  forced: boolean;
  hearing_impaired: boolean;
}

export interface Video {
  video_id: string;
  tenant: string;
  upload_id: string;
  title: string;
  description: string;
  state: VideoState;
  failure_code: string;
  failure: string;
  progress_percent: number;
  duration_seconds: number; // 0 until probed
  renditions: Rendition[];
  warnings: string[];
  hls_url: string;
  dash_url: string;
  poster_url: string;
  watch_url: string;
  created_at: string;
  updated_at: string;
  ready_at?: string;
  first_playable_at?: string;
  version: number;
  playable: boolean;
  filename: string;
  source_bytes: number;
  revision: number;
  storyboard_url?: string;
  captions?: Caption[];
}

export interface VideoPage {
  videos: Video[];
  next_page_token: string;
}

export interface Config {
  upload_url: string; // tus endpoint
  playback_tokens?: boolean; // playing needs a token
  auth?: 'jwt' | 'none'; // whether the API asks who calls
}

export interface Failure {
  code: string;
  message: string;
  non_retryable: boolean;
  details: string;
}

export interface PendingActivity {
  scheduled_event_id?: number;
  activity_type: string;
  activity_id: string;
  queue?: string;
  state: 'SCHEDULED' | 'STARTED' | 'CANCEL_REQUESTED';
  attempt: number;
  progress: number;
  worker_id?: string;
  last_failure?: Failure;
  scheduled_time?: string;
  started_time?: string;
  next_attempt_time?: string;
  affinity_key?: string;
}

export interface HistoryEvent {
  event_id: number;
  type: string;
  time: string;
  attributes: Record<string, unknown>;
}

export interface Workflow {
  workflow_id: string;
  run_id: string;
  type: string;
  status: 'RUNNING' | 'COMPLETED' | 'FAILED' | 'CANCELED' | 'TERMINATED' | 'TIMED_OUT';
  start_time?: string;
  close_time?: string;
  history_length: number;
  result?: unknown;
  failure?: Failure;
  cancel_requested: boolean;
  stuck_reason: string;
}

export interface History {
  workflow: Workflow;
  pending_activities: PendingActivity[];
  events: HistoryEvent[];
  more: boolean;
}

export const isRunning = (video: Video): boolean =>
  video.state === 'CREATED' || video.state === 'PROCESSING' || video.state === 'PARTIALLY_READY';
