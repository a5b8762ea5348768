-- A run that an operator has paused: since when, by whom and why. NULL: it is not.
ALTER TABLE workflow_runs ADD COLUMN paused_at_us bigint;
ALTER TABLE workflow_runs ADD COLUMN paused_by text NOT NULL DEFAULT '';
ALTER TABLE workflow_runs ADD COLUMN pause_reason text NOT NULL DEFAULT '';
-- What waits in a paused run is in none of the indexes that claims and the engine's clock walk. What runs is asked for.
ALTER TABLE activity_tasks DROP CONSTRAINT activity_tasks_state_check;
ALTER TABLE activity_tasks ADD CONSTRAINT activity_tasks_state_check CHECK (state IN ('SCHEDULED', 'DELAYED', 'STARTED', 'PAUSED'));
ALTER TABLE activity_tasks ADD COLUMN release_requested boolean NOT NULL DEFAULT false;
ALTER TABLE workflow_tenants ADD COLUMN paused boolean NOT NULL DEFAULT false;
