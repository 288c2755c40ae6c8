-- Which handles somebody has, or had lately: looked for when they are erased.
CREATE INDEX handles_by_person ON handles (user_id, handle);
