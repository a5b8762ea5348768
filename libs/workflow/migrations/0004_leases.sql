-- A worker's own lease, which its reports keep, stands for the leases of all tasks that it has claimed since. NULL: it has none; its tasks
-- have a lease each.
ALTER TABLE activity_workers ADD COLUMN lease_deadline_us bigint;
ALTER TABLE activity_workers SET (fillfactor = 50);
