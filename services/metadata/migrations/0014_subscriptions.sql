-- Who fetches what becomes of videos instead of being called: a webhook without an address, known by a name. It is not enabled, so that nobody
-- calls it, not even a replica that does not know of these yet; and is told everything.
ALTER TABLE webhooks
  ADD subscription text        NOT NULL DEFAULT '',   -- '': it is called
  ADD fetched_at   timestamptz;                       -- when it was last asked for, to the hour
CREATE UNIQUE INDEX webhooks_by_subscription ON webhooks (tenant, subscription) WHERE subscription <> '';

-- That processing begins is told too, to those who ask for it.
CREATE OR REPLACE FUNCTION add_webhook_deliveries() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  event_type text := CASE
    WHEN NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL THEN 'video.deleted'
    WHEN NEW.deleted_at IS NOT NULL OR NEW.state = OLD.state THEN NULL
    WHEN NEW.state = 'PROCESSING' THEN 'video.processing'
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
  FROM videos v JOIN webhooks w ON w.tenant = v.tenant AND (w.subscription <> '' OR w.enabled AND event_type = ANY (w.events))
  WHERE v.video_id = NEW.video_id
  FOR KEY SHARE OF w;
  RETURN NULL;
END
$$;
