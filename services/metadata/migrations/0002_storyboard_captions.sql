-- What players show beside the picture, and what went wrong with it: a video without either is whole all the same.
ALTER TABLE videos
  ADD storyboard_key text NOT NULL DEFAULT '',
  ADD captions       jsonb,                            -- workflow.v1.Caption[], once published
  ADD part_warnings  jsonb NOT NULL DEFAULT '{}';      -- part -> warnings of its last try
