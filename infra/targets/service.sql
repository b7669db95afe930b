-- Lets Curfew's service into this database, with the rights that its preflight asks for and no others. It can't read a single row.
-- Run it as the server's Entra administrator; again changes nothing. onboard.ts fills in the names, or `sqlcmd -v User=… Sid=0x…`.

-- A user of that name with another SID is somebody else, or an identity that was deleted: look before you drop it.
IF EXISTS (SELECT 1 FROM sys.database_principals WHERE name = N'$(User)' AND sid <> $(Sid))
  THROW 50001, N'This database has a user of that name who is somebody else.', 1;
-- The SID of a managed identity is its client id. With it given, the server needs no look-up in the directory, and no right to make one.
IF NOT EXISTS (SELECT 1 FROM sys.database_principals WHERE sid = $(Sid))
  CREATE USER [$(User)] WITH SID = $(Sid), TYPE = E;
GO

-- Whoever is db_owner reads everything, and can take away its own traces.
IF IS_ROLEMEMBER(N'db_owner', N'$(User)') = 1
  THROW 50002, N'The service is db_owner here, which it must not be: ALTER ROLE db_owner DROP MEMBER it first.', 1;
GO

-- To make users for those who have none, and to drop the ones that it made.
GRANT ALTER ANY USER TO [$(User)];
-- To end sessions, and to see that none is left.
GRANT KILL DATABASE CONNECTION TO [$(User)];
GRANT VIEW DATABASE STATE TO [$(User)];
-- To read back who is in a role. Without it the catalog leaves out, without a word, what it doesn't show.
GRANT VIEW DEFINITION TO [$(User)];
GO
