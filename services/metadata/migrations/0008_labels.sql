-- By what others find a video back: the id that it has with them, and labels.
ALTER TABLE videos
  ADD external_id text  NOT NULL DEFAULT '',
  ADD labels      jsonb NOT NULL DEFAULT '{}';
-- A deleted video's id may be given anew.
CREATE UNIQUE INDEX videos_by_external_id ON videos (tenant, external_id) WHERE external_id <> '' AND deleted_at IS NULL;
CREATE INDEX videos_by_label ON videos USING gin (labels jsonb_path_ops) WHERE deleted_at IS NULL;

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
             'video_id', v.video_id, 'upload_id', v.upload_id, 'tenant', v.tenant, 'title', v.title, 'state', NEW.state,
             'external_id', v.external_id, 'labels', v.labels,
             'version', v.version, 'playable', v.playable, 'duration_seconds', v.duration_seconds,
             'failure', CASE WHEN NEW.state = 'FAILED' THEN jsonb_build_object('code', v.failure_code, 'message', v.failure) END))::text
  FROM videos v JOIN webhooks w ON w.tenant = v.tenant AND w.enabled AND event_type = ANY (w.events)
  WHERE v.video_id = NEW.video_id
  FOR KEY SHARE OF w;
  RETURN NULL;
END
$$;
