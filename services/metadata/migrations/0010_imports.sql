-- Videos whose file is brought in from elsewhere: from where, and how far that is.
ALTER TABLE videos
  ADD origin_source  text    NOT NULL DEFAULT '',    -- a named source, and the key of the file in it
  ADD origin_key     text    NOT NULL DEFAULT '',
  ADD origin_url     text    NOT NULL DEFAULT '',    -- or the address of the file
  ADD origin_version text    NOT NULL DEFAULT '',    -- of the file when it was asked for: a later one is another video
  ADD origin_copy    boolean NOT NULL DEFAULT true,
  ADD import_state   text    NOT NULL DEFAULT '' CHECK (import_state IN ('', 'PENDING', 'DONE')),   -- '': the file was uploaded
  ADD import_percent integer NOT NULL DEFAULT 0,
  ADD import_problem text    NOT NULL DEFAULT '',    -- why it waits
  ADD request_key    text    NOT NULL DEFAULT '';    -- that made it: the same again is the same video
CREATE UNIQUE INDEX videos_by_origin ON videos (tenant, origin_source, origin_key, origin_version)
  WHERE origin_source <> '' AND deleted_at IS NULL;
-- A scan asks for what was ever imported, deleted ones too.
CREATE INDEX videos_ever_of_origin ON videos (tenant, origin_source, origin_key) WHERE origin_source <> '';
CREATE UNIQUE INDEX videos_by_request_key ON videos (tenant, request_key) WHERE request_key <> '';
