-- A change of a ladder is a new version of it. Videos have a copy of the one they began with.
ALTER TABLE ladders
  ADD version integer NOT NULL DEFAULT 1,
  ADD origin  text    NOT NULL DEFAULT 'own' CHECK (origin IN ('own', 'configured', 'shipped'));   -- whoever changes it
UPDATE ladders SET origin = 'configured';   -- until now there was no other way

CREATE TABLE ladder_versions (
  tenant     text        NOT NULL,
  name       text        NOT NULL,
  version    integer     NOT NULL,
  body       jsonb       NOT NULL,          -- vora.media.v1.Ladder
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant, name, version)
);
INSERT INTO ladder_versions (tenant, name, version, body, created_at) SELECT tenant, name, version, body, updated_at FROM ladders;

-- What new videos of a tenant are encoded with. ladders.is_default is still read by daemons of before.
CREATE TABLE default_ladders (
  tenant text PRIMARY KEY,
  name   text NOT NULL
);
INSERT INTO default_ladders (tenant, name) SELECT tenant, name FROM ladders WHERE is_default;
