-- What players show beside the tracks: from a part's name to the key of its object. A storyboard that an older daemon records still goes
-- to storyboard_key; readers know both.
ALTER TABLE videos ADD COLUMN parts jsonb NOT NULL DEFAULT '{}';
