-- The same columns as in SQLite, where they are explained. A test compares them.
ALTER TABLE threads ADD COLUMN description TEXT;
ALTER TABLE threads ADD COLUMN adding TEXT NOT NULL DEFAULT 'admins';
ALTER TABLE threads ADD COLUMN naming TEXT NOT NULL DEFAULT 'admins';
