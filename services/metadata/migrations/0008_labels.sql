-- By what others find a video back: the id that it has with them, and labels.
ALTER TABLE videos
  ADD external_id text  NOT NULL DEFAULT '',
  ADD labels      jsonb NOT NULL DEFAULT '{}';
-- A deleted video's id may be given anew.
CREATE UNIQUE INDEX videos_by_external_id ON videos (tenant, external_id) WHERE external_id <> '' AND deleted_at IS NULL;
CREATE INDEX videos_by_label ON videos USING gin (labels jsonb_path_ops) WHERE deleted_at IS NULL;
