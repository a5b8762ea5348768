-- -1000 to 1000: with which runs of the video's workflow begin.
ALTER TABLE videos ADD COLUMN priority integer NOT NULL DEFAULT 0;
