-- Locks: all of it is done in milliseconds. activity_tasks holds open tasks only, so its index is soon made.

-- Locks tables against everybody. Replicas at work take theirs in orders of their own, so whoever waits for one table while holding another
-- may wait for ever: what cannot be had soon is given back, and tried again. Now and then with a second and a half, after which PostgreSQL
-- ends a vacuum that is in the way.
CREATE FUNCTION vora_lock_tables(VARIADIC tables text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  FOR attempt IN 1..300 LOOP
    BEGIN
      PERFORM set_config('lock_timeout', CASE WHEN attempt % 10 = 0 THEN '1500ms' ELSE '100ms' END, true);
      EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', array_to_string(tables, ', '));
      PERFORM set_config('lock_timeout', '0', true);
      RETURN;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
      PERFORM pg_sleep(0.05);
    END;
  END LOOP;
  RAISE lock_not_available USING MESSAGE = 'the workflow tables are in use by something that takes long';
END $$;
SELECT vora_lock_tables('workflow_runs', 'workflow_events', 'workflow_attempts', 'activity_tasks');

-- What replicas do in turn: whoever comes first when it is due does it, and says when it is due again. `result` is for all to read.
CREATE TABLE workflow_duties (
  duty    text PRIMARY KEY,
  next_us bigint NOT NULL DEFAULT 0,
  result  text NOT NULL DEFAULT ''
) WITH (fillfactor = 50);
INSERT INTO workflow_duties (duty) VALUES ('queues'), ('runs'), ('retention');

-- When an overdue task is looked at next: later when a replica has taken it up and not come to an end.
ALTER TABLE activity_tasks ADD COLUMN look_at_us bigint;
DROP INDEX activity_tasks_deadline;
CREATE INDEX activity_tasks_deadline ON activity_tasks (greatest(next_deadline_us, look_at_us)) WHERE next_deadline_us IS NOT NULL;

-- The run ids of an instant and later begin with it or what is above it: they are sorted by time.
CREATE FUNCTION vora_run_ids_from(at_us bigint) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT lpad(to_hex(at_us / 1000), 12, '0') $$;

-- The next migration makes months of histories. So that it need not look through them under a lock, the rows that there are, and those
-- that come until then, are checked before: here for new ones, there for old ones, while others read and write.
DO $$
DECLARE
  months_end timestamp := date_trunc('month', now() AT TIME ZONE 'UTC') + interval '2 months';
  bound text := vora_run_ids_from((extract(epoch FROM months_end) * 1000000)::bigint);
BEGIN
  EXECUTE format('ALTER TABLE workflow_events ADD CONSTRAINT workflow_events_until CHECK (run_id < %L) NOT VALID', bound);
  EXECUTE format('ALTER TABLE workflow_attempts ADD CONSTRAINT workflow_attempts_until CHECK (run_id < %L) NOT VALID', bound);
END $$;

-- When the run's history grew last, so that nobody needs to look for it there. NULL: before this migration. Replicas of any version keep it.
ALTER TABLE workflow_runs ADD COLUMN last_event_us bigint;
ALTER TABLE workflow_runs ALTER COLUMN last_event_us SET DEFAULT vora_now_us();
CREATE FUNCTION vora_note_last_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.last_event_us := vora_now_us();
  RETURN NEW;
END $$;
CREATE TRIGGER workflow_runs_last_event BEFORE UPDATE OF history_length ON workflow_runs FOR EACH ROW
  WHEN (OLD.history_length <> NEW.history_length) EXECUTE FUNCTION vora_note_last_event();
