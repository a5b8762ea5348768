-- Closed runs leave after a while. Histories and attempts lie in months, by the time in their run ids, so that a month whose runs have all
-- left is dropped instead of vacuumed. What there is becomes the first month, as it is: no row is copied or locked.
--
-- Locks: the look through the old rows takes as long as reading them; replicas of any version read and write meanwhile. Then both tables are
-- locked against everybody for the few milliseconds of the renaming, once those who are using them have ended; who comes meanwhile waits.

ALTER TABLE workflow_events VALIDATE CONSTRAINT workflow_events_until;
ALTER TABLE workflow_attempts VALIDATE CONSTRAINT workflow_attempts_until;
SELECT vora_lock_tables('workflow_events', 'workflow_attempts');

ALTER TABLE workflow_events RENAME TO workflow_events_first;
ALTER INDEX workflow_events_pkey RENAME TO workflow_events_first_pkey;
ALTER TABLE workflow_attempts RENAME TO workflow_attempts_first;
ALTER INDEX workflow_attempts_pkey RENAME TO workflow_attempts_first_pkey;

CREATE TABLE workflow_events (
  run_id     text NOT NULL,
  event_id   bigint NOT NULL,
  type       text NOT NULL,
  time_us    bigint NOT NULL,
  attributes text NOT NULL,
  payload    text,
  PRIMARY KEY (run_id, event_id)
) PARTITION BY RANGE (run_id);
CREATE TABLE workflow_attempts (
  run_id             text NOT NULL,
  scheduled_event_id bigint NOT NULL,
  seq                bigint GENERATED ALWAYS AS IDENTITY,
  activity_type      text NOT NULL,
  activity_id        text NOT NULL,
  attempt            integer NOT NULL,
  lease              bigint NOT NULL,
  worker_id          text NOT NULL,
  started_time_us    bigint NOT NULL,
  ended_time_us      bigint NOT NULL,
  outcome            text NOT NULL,
  failure            text NOT NULL,
  PRIMARY KEY (run_id, scheduled_event_id, seq)
) PARTITION BY RANGE (run_id);

-- Only the table that is written to counts.
SELECT setval(pg_get_serial_sequence('workflow_attempts', 'seq'), nextval(pg_get_serial_sequence('workflow_attempts_first', 'seq')));
ALTER TABLE workflow_attempts_first ALTER COLUMN seq DROP IDENTITY;

DO $$
DECLARE
  bound text := (SELECT substring(pg_get_constraintdef(oid) FROM '[0-9a-f]{12}') FROM pg_constraint WHERE conname = 'workflow_events_until');
BEGIN
  EXECUTE format('ALTER TABLE workflow_events ATTACH PARTITION workflow_events_first FOR VALUES FROM (MINVALUE) TO (%L)', bound);
  EXECUTE format('ALTER TABLE workflow_attempts ATTACH PARTITION workflow_attempts_first FOR VALUES FROM (MINVALUE) TO (%L)', bound);
END $$;
ALTER TABLE workflow_events_first DROP CONSTRAINT workflow_events_until;
ALTER TABLE workflow_attempts_first DROP CONSTRAINT workflow_attempts_until;
-- The engine makes months ahead of time. What finds none, because no engine of this version has run for long, is kept all the same.
CREATE TABLE workflow_events_rest PARTITION OF workflow_events DEFAULT;
CREATE TABLE workflow_attempts_rest PARTITION OF workflow_attempts DEFAULT;

-- What is known of runs that have left: so that a start that is repeated very late makes no second one, and readers are told.
CREATE TABLE workflow_past_runs (
  workflow_id   text NOT NULL,
  run_id        text NOT NULL,
  request_id    text NOT NULL,
  tenant        text NOT NULL,
  status        text NOT NULL,
  close_time_us bigint NOT NULL,
  left_us       bigint NOT NULL,
  PRIMARY KEY (workflow_id, run_id)
);
CREATE INDEX workflow_past_runs_request ON workflow_past_runs (workflow_id, request_id) WHERE request_id <> '';
CREATE INDEX workflow_past_runs_left ON workflow_past_runs (left_us);

-- How many days closed runs of a tenant stay, where that is not the setting. 0: for ever.
CREATE TABLE workflow_retention (
  tenant text PRIMARY KEY,
  days   integer NOT NULL CHECK (days >= 0)
);
