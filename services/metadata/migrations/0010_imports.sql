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

-- Receivers are told of external_id and labels too; what was imported has no upload.
CREATE OR REPLACE FUNCTION add_webhook_deliveries() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  event_type text := CASE
    WHEN NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL THEN 'video.deleted'
    WHEN NEW.deleted_at IS NOT NULL OR NEW.state = OLD.state THEN NULL
    WHEN NEW.state = 'PARTIALLY_READY' THEN 'video.partially_ready'
    WHEN NEW.state = 'READY' THEN 'video.ready'
    WHEN NEW.state = 'FAILED' THEN 'video.failed'
    WHEN NEW.state = 'CANCELLED' THEN 'video.cancelled'
  END;
BEGIN
  IF event_type IS NULL THEN
    RETURN NULL;
  END IF;
  INSERT INTO webhook_deliveries (delivery_id, webhook_id, event, video_id, traceparent, payload)
  SELECT 'msg_' || replace(gen_random_uuid()::text, '-', ''), w.webhook_id, event_type, v.video_id, v.traceparent,
         jsonb_build_object(
           'type', event_type,
           'timestamp', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
           'data', jsonb_build_object(
             'video_id', v.video_id, 'upload_id', CASE WHEN v.import_state = '' THEN v.upload_id ELSE '' END, 'tenant', v.tenant, 'title', v.title, 'state', NEW.state,
             'external_id', v.external_id, 'labels', v.labels,
             'version', v.version, 'playable', v.playable, 'duration_seconds', v.duration_seconds,
             'failure', CASE WHEN NEW.state = 'FAILED' THEN jsonb_build_object('code', v.failure_code, 'message', v.failure) END))::text
  FROM videos v JOIN webhooks w ON w.tenant = v.tenant AND w.enabled AND event_type = ANY (w.events)
  WHERE v.video_id = NEW.video_id
  FOR KEY SHARE OF w;
  RETURN NULL;
END
$$;
