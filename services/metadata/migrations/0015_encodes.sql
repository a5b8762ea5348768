-- A later encode of a video is a row of its own until it is READY: it is started, reported on, cancelled and failed like a video, and nobody
-- sees it as one. Then what it made takes the place of the video's renditions.
ALTER TABLE videos
  ADD encode_of        text NOT NULL DEFAULT '',       -- the video; '': this is one
  ADD replaced_objects jsonb NOT NULL DEFAULT '{}',    -- what players had until then: vora.workflow.v1.DeleteVideoInput
  ADD drop_at          timestamptz,                    -- when those are deleted
  ADD dropped_at       timestamptz;                    -- when that was begun
CREATE INDEX videos_encodes ON videos (encode_of, revision) WHERE encode_of <> '';
CREATE INDEX videos_encodes_to_drop ON videos (video_id) WHERE encode_of <> '' AND dropped_at IS NULL;
CREATE VIEW open_encodes AS
  SELECT video_id, encode_of, ladder FROM videos
  WHERE encode_of <> '' AND deleted_at IS NULL AND state IN ('CREATED', 'PROCESSING', 'PARTIALLY_READY');

DROP TRIGGER videos_webhooks ON videos;
CREATE CONSTRAINT TRIGGER videos_webhooks AFTER UPDATE ON videos DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (NEW.encode_of = '' AND (OLD.state IS DISTINCT FROM NEW.state OR OLD.deleted_at IS DISTINCT FROM NEW.deleted_at))
  EXECUTE FUNCTION add_webhook_deliveries();
