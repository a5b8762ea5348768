-- A transition says itself when the history grew, which costs less than a call for each row; the trigger does it for replicas that do not.
-- One lock and no other, so that nobody can wait for it in a circle.
SET LOCAL lock_timeout = '5s';
CREATE OR REPLACE TRIGGER workflow_runs_last_event BEFORE UPDATE OF history_length ON workflow_runs FOR EACH ROW
  WHEN (OLD.history_length <> NEW.history_length AND OLD.last_event_us IS NOT DISTINCT FROM NEW.last_event_us)
  EXECUTE FUNCTION vora_note_last_event();
SET LOCAL lock_timeout = 0;
