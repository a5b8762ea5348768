-- Requests that named themselves by Idempotency-Key, and what they were answered, for a day.
CREATE TABLE request_keys (
  tenant       text NOT NULL,
  key          text NOT NULL,
  fingerprint  text NOT NULL,                        -- of method, path and body
  status       integer,                              -- HTTP; NULL: being carried out
  headers      jsonb NOT NULL DEFAULT '{}',
  body         text NOT NULL DEFAULT '',
  locked_until timestamptz NOT NULL,                 -- whoever carries it out is given up then
  created_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant, key)
);
CREATE INDEX request_keys_by_age ON request_keys (created_at);
