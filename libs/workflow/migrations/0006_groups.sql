-- An activity of several items (a group): those that have not ended, with how often each has failed, and their progress as last reported.
-- Affinity keys are not written any more; replicas of the version before still read them.
ALTER TABLE activity_tasks
  ADD COLUMN items text NOT NULL DEFAULT '',          -- JSON; empty: no group
  ADD COLUMN item_progress text NOT NULL DEFAULT '',  -- JSON: progress by name
  ADD COLUMN item_wait_us bigint NOT NULL DEFAULT 0,
  ALTER COLUMN affinity_key SET DEFAULT '';
