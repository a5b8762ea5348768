-- Videos and what is known of them. A deleted video stays as a row with deleted_at set: a late call of an upload or a
-- workflow must find out that it is gone, not create it anew.

-- One sequence for all videos: versions grow within a video, and "all changes since N" is one index scan.
CREATE SEQUENCE video_versions;

CREATE TABLE videos (
  video_id          text PRIMARY KEY,
  tenant            text NOT NULL,
  upload_id         text NOT NULL UNIQUE,
  title             text NOT NULL,
  title_given       boolean NOT NULL DEFAULT false,   -- set by a person, not derived from the file name
  description       text NOT NULL DEFAULT '',
  filename          text NOT NULL DEFAULT '',
  state             text NOT NULL CHECK (state IN ('CREATED', 'PROCESSING', 'PARTIALLY_READY', 'READY', 'FAILED', 'CANCELLED')),
  version           bigint NOT NULL DEFAULT nextval('video_versions'),
  revision          integer NOT NULL DEFAULT 1,
  source_key        text NOT NULL,
  source_bytes      bigint NOT NULL DEFAULT 0,
  object_prefix     text NOT NULL,
  ladder            jsonb NOT NULL,                   -- the ladder it is encoded with, for all its runs
  media             jsonb,                            -- MediaInfo, once probed
  chunks            jsonb,                            -- ChunkPlan[], once planned
  duration_seconds  double precision NOT NULL DEFAULT 0,
  poster_key        text NOT NULL DEFAULT '',
  progress_percent  integer NOT NULL DEFAULT 0 CHECK (progress_percent BETWEEN 0 AND 100),
  playable          boolean NOT NULL DEFAULT false,
  failure_code      text NOT NULL DEFAULT '',
  failure           text NOT NULL DEFAULT '',
  run_number        integer NOT NULL DEFAULT 1,       -- 1, and one more for each retry
  run_id            text NOT NULL DEFAULT '',         -- of the newest run, once started
  last_run_id       text NOT NULL DEFAULT '',         -- of the run before: what it still reports has no effect
  cancel_requested  boolean NOT NULL DEFAULT false,
  traceparent       text NOT NULL DEFAULT '',
  polled_at         timestamptz NOT NULL DEFAULT 'epoch',
  created_at        timestamptz NOT NULL DEFAULT now(),
  updated_at        timestamptz NOT NULL DEFAULT now(),
  first_playable_at timestamptz,
  ready_at          timestamptz,
  deleted_at        timestamptz
);
CREATE INDEX videos_by_tenant ON videos (tenant, video_id DESC) WHERE deleted_at IS NULL;
CREATE INDEX videos_in_progress ON videos (video_id) WHERE state IN ('PROCESSING', 'PARTIALLY_READY') AND deleted_at IS NULL;
CREATE INDEX videos_by_version ON videos (version);

CREATE TABLE renditions (
  video_id          text NOT NULL REFERENCES videos ON DELETE CASCADE,
  name              text NOT NULL,
  ordinal           integer NOT NULL,
  kind              text NOT NULL CHECK (kind IN ('video', 'audio')),
  state             text NOT NULL CHECK (state IN ('PENDING', 'PROCESSING', 'RETRYING', 'DONE', 'FAILED')),
  progress_percent  integer NOT NULL DEFAULT 0 CHECK (progress_percent BETWEEN 0 AND 100),
  width             integer NOT NULL DEFAULT 0,
  height            integer NOT NULL DEFAULT 0,
  frame_rate_num    integer NOT NULL DEFAULT 0,
  frame_rate_den    integer NOT NULL DEFAULT 0,
  sample_rate       integer NOT NULL DEFAULT 0,
  channels          integer NOT NULL DEFAULT 0,
  language          text NOT NULL DEFAULT '',
  timescale         integer NOT NULL,
  segment_seconds   double precision NOT NULL DEFAULT 0,
  codecs            text NOT NULL DEFAULT '',
  max_bitrate       bigint NOT NULL DEFAULT 0,
  bandwidth         bigint NOT NULL DEFAULT 0,
  average_bandwidth bigint NOT NULL DEFAULT 0,
  segments_done     integer NOT NULL DEFAULT 0,
  segments_total    integer NOT NULL,
  attempts          jsonb NOT NULL DEFAULT '{}',      -- activity id -> attempts seen, where more than one
  retries           integer NOT NULL DEFAULT 0,
  failure_code      text NOT NULL DEFAULT '',
  failure           text NOT NULL DEFAULT '',
  PRIMARY KEY (video_id, name)
);

CREATE TABLE segments (
  video_id    text NOT NULL,
  rendition   text NOT NULL,
  idx         integer NOT NULL CHECK (idx >= 0),
  duration    bigint NOT NULL CHECK (duration > 0),   -- in the rendition's timescale
  bytes       bigint NOT NULL CHECK (bytes >= 0),
  PRIMARY KEY (video_id, rendition, idx),
  FOREIGN KEY (video_id, rendition) REFERENCES renditions ON DELETE CASCADE
);

-- What the orchestrator is still to be told; written in the transaction that decided it. Rows of one video go out in order of seq.
CREATE TABLE outbox (
  seq             bigserial PRIMARY KEY,
  request_id      text NOT NULL UNIQUE,
  video_id        text NOT NULL,
  tenant          text NOT NULL,
  kind            text NOT NULL CHECK (kind IN ('start', 'cancel', 'delete')),
  run_number      integer NOT NULL DEFAULT 0,         -- of a start
  payload         text NOT NULL DEFAULT '',
  traceparent     text NOT NULL DEFAULT '',
  attempts        integer NOT NULL DEFAULT 0,
  last_error      text NOT NULL DEFAULT '',
  next_attempt_at timestamptz NOT NULL DEFAULT now(),
  created_at      timestamptz NOT NULL DEFAULT now(),
  done_at         timestamptz
);
CREATE INDEX outbox_pending ON outbox (video_id, seq) WHERE done_at IS NULL;

CREATE TABLE ladders (
  tenant     text NOT NULL,
  name       text NOT NULL,
  body       jsonb NOT NULL,                          -- vora.workflow.v1.Ladder
  is_default boolean NOT NULL DEFAULT false,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant, name)
);
CREATE UNIQUE INDEX ladders_one_default ON ladders (tenant) WHERE is_default;
