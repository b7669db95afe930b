-- Takes Curfew's service out of this database. The roles stay, with who is in them; so do users that others made.
-- Run it as the server's Entra administrator, when nobody holds anything by way of Curfew any more: docs/onboarding.md. Again changes nothing.

IF EXISTS (SELECT 1 FROM sys.database_principals
  WHERE (name = N'$(User)' AND sid <> $(Sid)) OR (name <> N'$(User)' AND sid = $(Sid)))
  THROW 50001, N'The name and the client id are not of one and the same user here.', 1;
-- Curfew marks the users that it makes, and drops them when their access ends. One that is in a role of Curfew's still has it.
IF EXISTS (
  SELECT 1 FROM sys.extended_properties AS mark
  JOIN sys.database_role_members AS m ON m.member_principal_id = mark.major_id
  JOIN sys.database_permissions AS p ON p.class = 4 AND p.major_id = m.role_principal_id AND p.permission_name = N'ALTER'
  JOIN sys.database_principals AS u ON u.principal_id = p.grantee_principal_id
  WHERE mark.class = 4 AND mark.name = N'Curfew' AND u.sid = $(Sid))
  THROW 50003, N'Somebody whom Curfew let in is still in a role. End their access first.', 1;
GO

-- By itself, so that nothing is left of its rights where the user can't be dropped, since it has come to own something.
IF EXISTS (SELECT 1 FROM sys.database_principals WHERE sid = $(Sid))
  REVOKE CONNECT, ALTER ANY USER, KILL DATABASE CONNECTION, VIEW DATABASE STATE, VIEW DEFINITION FROM [$(User)];
GO
-- With it go its rights on roles. What it owns first needs another owner: ALTER AUTHORIZATION ON SCHEMA::… TO dbo.
DROP USER IF EXISTS [$(User)];
GO
