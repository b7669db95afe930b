-- Leaves one role to Curfew: who is in it, not what it gives. A role of your own, since only db_owner changes who is in the fixed ones; put
-- it inside a fixed one where it is to give the same. Run service.sql first.
IF NOT EXISTS (SELECT 1 FROM sys.database_principals WHERE name = N'$(Role)' AND type = N'R')
  CREATE ROLE [$(Role)];
GO
GRANT ALTER ON ROLE::[$(Role)] TO [$(User)];
GO
