-- Who works, for operators: a row is what a worker last said of itself. Nothing depends on it.
CREATE TABLE activity_workers (
  worker_id    text PRIMARY KEY,
  queue        text NOT NULL,
  slots        integer NOT NULL,
  running      integer NOT NULL,
  encode_speed double precision NOT NULL,
  version      text NOT NULL,
  last_seen_us bigint NOT NULL
);
