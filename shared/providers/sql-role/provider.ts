import { CurfewError, type ErrorCode } from '../../domain/errors.ts';
import type { AccessProvider, Principal, ProviderOptions } from '../provider.ts';
import { type Database, firstRow, inLockedTransaction, onPool, readRows } from './database.ts';
import { dropFromRole } from './drop.ts';
import type { SqlRoleEntitlement } from './entitlement.ts';
import { curfewError, isBrokenConnection, isShutOut } from './errors.ts';
import { otherWaysOf } from './other-ways.ts';
import { keyOf, Pools } from './pools.ts';
import { examine, needAll } from './preflight.ts';
import { endSessions } from './sessions.ts';
import { memberRow, members, ownName, seesRow } from './statements.ts';
import { type Carrying, namesOf, takeTogether } from './together.ts';
import { addToRole, dropIfUnneeded, holderOf, membershipOf, nameOf } from './users.ts';

export interface SqlRoleProvider extends AccessProvider<SqlRoleEntitlement> {
  /** Closes all connections. A call made afterwards opens them again. */
  close(): Promise<void>;
}

/**
 * Membership of a database role in Azure SQL. Curfew's identity needs ALTER ANY USER, KILL DATABASE CONNECTION, VIEW DATABASE
 * STATE, VIEW DEFINITION and ALTER on each role; it is never db_owner. A principal is known by its SID, which is made of its
 * object id, or of an application's client id: its user may be called anything, and one that somebody else made is used and
 * left as it is.
 *
 * What comes by way of another role or a group is out of reach, and told; a permission given to the user itself is not looked at.
 */
export function createSqlRoleProvider(
  options: Pick<ProviderOptions, 'credential' | 'clock'> & Partial<ProviderOptions>,
): SqlRoleProvider {
  const { clock, batchSize: batch = 1_000 } = options;
  const pools = new Pools(options.credential);
  // Nothing else may be in the way when many are to be taken at their instant.
  const kept = new Pools(options.credential);

  /** For work that may be done twice. */
  const twice = async <T>(place: SqlRoleEntitlement, work: (database: Database) => Promise<T>) => {
    const pool = await pools.open(place);
    return work(onPool(pool, place.database)).catch(async (error: unknown) => {
      if (!isBrokenConnection(error)) throw error;
      // Connections that broke while nobody used them show it only now, and there may be more of them.
      await pools.discard(place, pool);
      return work(onPool(await pools.open(place), place.database));
    });
  };
  const on = <T>(place: SqlRoleEntitlement, otherwise: ErrorCode, work: (database: Database) => Promise<T>) =>
    twice(place, work).catch((error: unknown) => {
      throw curfewError(error, otherwise);
    });
  const inTransaction = async <T>(
    place: SqlRoleEntitlement,
    { principalId }: Principal,
    otherwise: ErrorCode,
    work: (database: Database) => Promise<T>,
  ) => {
    try {
      const pool = await pools.open(place);
      const discard = () => pools.discard(place, pool);
      return await inLockedTransaction(pool, place.database, `curfew:${principalId}`, discard, work).catch(
        async (error: unknown) => {
          // Whether it was committed may be unknown, so it is for the caller to try again.
          if (isBrokenConnection(error)) await discard();
          throw error;
        },
      );
    } catch (error) {
      throw curfewError(error, otherwise);
    }
  };
  /** For work that leaves nothing behind on its connection, unless it fails. */
  const onKept =
    (place: SqlRoleEntitlement): Carrying =>
    async (work) => {
      const attempt = async () => {
        const pool = await kept.open(place);
        return work(onPool(pool, place.database)).catch(async (error: unknown) => {
          if (!(error instanceof CurfewError)) await kept.discard(place, pool);
          throw error;
        });
      };
      return attempt().catch((error: unknown) => {
        if (isBrokenConnection(error)) return attempt();
        throw error;
      });
    };
  const isHeld = async (entitlement: SqlRoleEntitlement, principal: Principal) => {
    const { held } = await on(entitlement, 'CURFEW_TARGET_UNAVAILABLE', (database) =>
      membershipOf(database, entitlement.role, principal),
    );
    return held > 0;
  };

  return {
    kind: 'sql-role',
    plan: ({ server, database, role }, { userPrincipalName }) =>
      `Makes ${userPrincipalName} a member of the role ${role} in the database ${database} on ${server}.`,
    isHeld,

    async grant(entitlement, principal, notAfter) {
      const { role } = entitlement;
      const outcome = await inTransaction(entitlement, principal, 'CURFEW_TARGET_REFUSED', async (database) => {
        await needAll(database, role);
        const added = await addToRole(database, role, principal);
        // Whoever waited for the lock, or whose process was slow, comes when nobody takes it away any more: it is undone.
        if (notAfter !== undefined && clock.now() >= notAfter) throw new CurfewError('CURFEW_DEADLINE_PASSED');
        return added;
      });
      if (!(await isHeld(entitlement, principal))) throw new CurfewError('CURFEW_TARGET_NOT_VERIFIED');
      return outcome;
    },

    async revoke(entitlement, principal, notBefore, notAfter) {
      const { role } = entitlement;
      const take = <T>(work: (database: Database) => Promise<T>) => on(entitlement, 'CURFEW_TARGET_UNAVAILABLE', work);
      // What stands in the way ahead of time may be gone when the time has come, so a failure here says nothing yet. No
      // connection is kept meanwhile: it goes back to the pool, where it waits logged in.
      const name =
        notBefore > clock.now()
          ? await take((database) => nameOf(database, principal)).catch(() => undefined)
          : undefined;
      await clock.sleepUntil(notBefore);
      const drop = await take((database) => dropFromRole(database, role, principal, name, notAfter));
      const { held } = await take((database) => membershipOf(database, role, principal));
      if (held > 0) throw new CurfewError('CURFEW_TARGET_NOT_VERIFIED');
      return drop;
    },

    batchKey: (entitlement) => keyOf(entitlement),
    identityOf: ({ principalId, clientId }) => clientId ?? principalId,

    async prepare(members) {
      const [first] = members;
      if (!first) return [];
      const on = onKept(first.entitlement);
      try {
        const principals = members.map(({ principal }) => principal);
        // Two statements at once, so that there are two connections.
        const [names] = await Promise.all([
          on((database) => namesOf(database, principals)),
          on((database) => database.send(ownName)),
        ]);
        return names;
      } catch (error) {
        throw curfewError(error, 'CURFEW_TARGET_UNAVAILABLE');
      }
    },

    async revokeTogether(members, giveUp) {
      const [first] = members;
      return first ? takeTogether(onKept(first.entitlement), members, { batch, giveUp, clock }) : [];
    },

    endSessions: (entitlement, principal) =>
      on(entitlement, 'CURFEW_TARGET_UNAVAILABLE', (database) => endSessions(database, principal, clock)),

    cleanUp: (entitlement, principal) =>
      inTransaction(entitlement, principal, 'CURFEW_TARGET_UNAVAILABLE', (database) =>
        dropIfUnneeded(database, principal),
      ),

    residualAccess: (entitlement, principal) =>
      on(entitlement, 'CURFEW_TARGET_UNAVAILABLE', (database) => otherWaysOf(database, entitlement.role, principal)),

    async holders(entitlement) {
      const found = await on(entitlement, 'CURFEW_TARGET_UNAVAILABLE', async (database) => {
        const [sight, listed] = await database.send(members(entitlement.role));
        firstRow(seesRow, sight);
        return readRows(memberRow, listed);
      });
      return found.map(holderOf);
    },

    preflight: (entitlement) =>
      twice(entitlement, (database) => examine(database, entitlement.role)).catch((error: unknown) => {
        if (isShutOut(error)) return { user: undefined };
        throw curfewError(error, 'CURFEW_TARGET_REFUSED');
      }),

    close: async () => {
      await Promise.all([pools.close(), kept.close()]);
    },
  };
}
