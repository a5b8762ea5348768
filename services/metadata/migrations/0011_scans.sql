-- Walks through a source that register what is found. A page of files and the place where the next one begins are written together, so that
-- whoever goes on after a crash leaves nothing out and does nothing twice.
CREATE TABLE scans (
  scan_id      text PRIMARY KEY,
  tenant       text NOT NULL,
  source       text NOT NULL,
  state        text NOT NULL DEFAULT 'RUNNING' CHECK (state IN ('RUNNING', 'DONE', 'FAILED', 'CANCELLED')),
  token        text NOT NULL DEFAULT '',              -- where the next page begins
  registered   bigint NOT NULL DEFAULT 0,
  skipped      bigint NOT NULL DEFAULT 0,
  failed       bigint NOT NULL DEFAULT 0,
  problem      text NOT NULL DEFAULT '',
  tries        integer NOT NULL DEFAULT 0,            -- of the page that comes next
  locked_until timestamptz NOT NULL DEFAULT 'epoch',
  started_at   timestamptz NOT NULL DEFAULT now(),
  ended_at     timestamptz
);
CREATE UNIQUE INDEX scans_one_runs ON scans (source) WHERE state = 'RUNNING';
CREATE INDEX scans_by_source ON scans (source, started_at DESC);

CREATE TABLE scan_reasons (
  scan_id text NOT NULL REFERENCES scans ON DELETE CASCADE,
  outcome text NOT NULL,
  reason  text NOT NULL,
  files   bigint NOT NULL,
  PRIMARY KEY (scan_id, outcome, reason)
);
CREATE TABLE scan_files (
  seq      bigserial PRIMARY KEY,
  scan_id  text NOT NULL REFERENCES scans ON DELETE CASCADE,
  key      text NOT NULL,
  outcome  text NOT NULL CHECK (outcome IN ('registered', 'failed')),
  reason   text NOT NULL DEFAULT '',
  video_id text NOT NULL DEFAULT ''
);
CREATE INDEX scan_files_by_scan ON scan_files (scan_id, outcome, seq);
