-- Whose pictures are: asked by people for what is stored about them.
CREATE INDEX pictures_by_owner ON pictures (owner_id, id);
