-- The oldest row that is not done is asked for again and again: also while a scan has added very many, and beside those that are done.
CREATE INDEX outbox_due ON outbox (seq) WHERE done_at IS NULL;
