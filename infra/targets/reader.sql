-- What the role of the first policy gives: reading the tables of one schema. Your own roles give what you grant them.
GRANT SELECT ON SCHEMA::[$(Schema)] TO [$(Role)];
GO
