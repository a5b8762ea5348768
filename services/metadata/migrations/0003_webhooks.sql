-- Who is told what becomes of videos, and what they are still to be told.

CREATE TABLE webhooks (
  webhook_id      text PRIMARY KEY,
  tenant          text NOT NULL,
  url             text NOT NULL,
  description     text NOT NULL DEFAULT '',
  events          text[] NOT NULL,
  secret          text NOT NULL,                      -- whsec_...; needed to sign, never shown again
  enabled         boolean NOT NULL DEFAULT true,
  disabled_reason text NOT NULL DEFAULT '',
  failing_since   timestamptz,                        -- of the first failure since the last success
  created_at      timestamptz NOT NULL DEFAULT now(),
  updated_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX webhooks_by_tenant ON webhooks (tenant, webhook_id);

CREATE TABLE webhook_deliveries (
  seq             bigserial UNIQUE,
  delivery_id     text PRIMARY KEY,                   -- the webhook-id header, the same for every attempt
  webhook_id      text NOT NULL REFERENCES webhooks ON DELETE CASCADE,
  event           text NOT NULL,
  video_id        text NOT NULL DEFAULT '',
  payload         text NOT NULL,                      -- the body, the same for every attempt
  traceparent     text NOT NULL DEFAULT '',
  state           text NOT NULL DEFAULT 'PENDING' CHECK (state IN ('PENDING', 'DELIVERED', 'DEAD')),
  attempts        integer NOT NULL DEFAULT 0,
  next_attempt_at timestamptz NOT NULL DEFAULT now(),
  leased_until    timestamptz NOT NULL DEFAULT 'epoch',
  last_status     integer NOT NULL DEFAULT 0,         -- HTTP; 0: there was no answer
  last_error      text NOT NULL DEFAULT '',
  created_at      timestamptz NOT NULL DEFAULT now(),
  ended_at        timestamptz
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, next_attempt_at) WHERE state = 'PENDING';
CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook_id, seq DESC);
CREATE INDEX webhook_deliveries_ended ON webhook_deliveries (ended_at) WHERE state <> 'PENDING';

-- Runs at the end of the transaction that changed the video, whoever wrote it, so that what is told is what was committed.
CREATE FUNCTION add_webhook_deliveries() RETURNS trigger LANGUAGE plpgsql AS $$
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
             'version', v.version, 'playable', v.playable, 'duration_seconds', v.duration_seconds,
             'failure', CASE WHEN NEW.state = 'FAILED' THEN jsonb_build_object('code', v.failure_code, 'message', v.failure) END))::text
  FROM videos v JOIN webhooks w ON w.tenant = v.tenant AND w.enabled AND event_type = ANY (w.events)
  WHERE v.video_id = NEW.video_id;
  RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER videos_webhooks AFTER UPDATE ON videos DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (OLD.state IS DISTINCT FROM NEW.state OR OLD.deleted_at IS DISTINCT FROM NEW.deleted_at)
  EXECUTE FUNCTION add_webhook_deliveries();
