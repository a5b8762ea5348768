-- Who is told what becomes of a video: a subscription that fetches its events, and to whom there it hands them on.
CREATE TABLE video_recipients (
  webhook_id text        NOT NULL REFERENCES webhooks ON DELETE CASCADE,   -- the subscription
  video_id   text        NOT NULL REFERENCES videos ON DELETE CASCADE,
  recipient  text        NOT NULL,                                         -- means something to the subscription alone
  added_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (webhook_id, video_id, recipient)
);

-- Requests that were given a video of another one: the same again is given it too, whatever it would find by then.
CREATE TABLE attached_requests (
  tenant      text        NOT NULL,
  request_key text        NOT NULL,
  video_id    text        NOT NULL REFERENCES videos ON DELETE CASCADE,
  added_at    timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant, request_key)
);
