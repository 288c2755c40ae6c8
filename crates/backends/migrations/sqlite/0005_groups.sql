-- What a group is about, and who may add people to it and name it. Until now that were admins.
ALTER TABLE threads ADD COLUMN description TEXT;
ALTER TABLE threads ADD COLUMN adding TEXT NOT NULL DEFAULT 'admins';
ALTER TABLE threads ADD COLUMN naming TEXT NOT NULL DEFAULT 'admins';
