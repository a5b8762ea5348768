-- A client that was away reads its tenant's changes, however many the others made meanwhile.
CREATE INDEX videos_by_tenant_version ON videos (tenant, version);
