-- A video may have several sounds: what each is called, and what it is beside the film's own.
ALTER TABLE renditions
  ADD label text NOT NULL DEFAULT '',   -- for people
  ADD role  text NOT NULL DEFAULT '';   -- commentary, description
