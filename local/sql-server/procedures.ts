import { principalByName, rolesOf } from './catalog.ts';
import { DBO, PUBLIC } from './catalog-schema.ts';
import type { LockMode, LockScope } from './locks.ts';
import { may } from './permissions.ts';
import { SqlError } from './server-error.ts';
import type { Session } from './session.ts';
import type { SqlValue } from './tds/sql-type.ts';

export interface ProcedureCall {
  session: Session;
  signal: AbortSignal | undefined;
  /** By name in lower case, with the @. */
  arguments: ReadonlyMap<string, SqlValue>;
}

interface Procedure {
  parameters: string[];
  /** Gives the return status. */
  run(call: ProcedureCall): Promise<number>;
}

const text = (call: ProcedureCall, name: string, otherwise = '') => {
  const value = call.arguments.get(name);
  return value === undefined || value === null ? otherwise : String(value);
};

const LEVELS = ['@level0type', '@level0name', '@level1type', '@level1name', '@level2type', '@level2name'];

/** The system procedures that there are. Any other name is refused with 2812. */
export const PROCEDURES: Record<string, Procedure> = {
  sp_getapplock: {
    parameters: ['@resource', '@lockmode', '@lockowner', '@locktimeout', '@dbprincipal'],
    run: getAppLock,
  },
  sp_releaseapplock: { parameters: ['@resource', '@lockowner', '@dbprincipal'], run: releaseAppLock },
  sp_addextendedproperty: {
    parameters: ['@name', '@value', ...LEVELS],
    run: (call) => changeProperty(call, 'sp_addextendedproperty'),
  },
  sp_updateextendedproperty: {
    parameters: ['@name', '@value', ...LEVELS],
    run: (call) => changeProperty(call, 'sp_updateextendedproperty'),
  },
  sp_dropextendedproperty: {
    parameters: ['@name', ...LEVELS],
    run: (call) => changeProperty(call, 'sp_dropextendedproperty'),
  },
};

const MODES: Record<string, LockMode> = {
  shared: 'shared',
  update: 'update',
  exclusive: 'exclusive',
  intentshared: 'intent-shared',
  intentexclusive: 'intent-exclusive',
};
const INVALID = -999;

const lockName = (call: ProcedureCall) =>
  `app:${text(call, '@dbprincipal', 'public').toLowerCase()}:${text(call, '@resource')}`;

function lockScope(call: ProcedureCall): LockScope | undefined {
  const owner = text(call, '@lockowner', 'Transaction').toLowerCase();
  return owner === 'transaction' || owner === 'session' ? owner : undefined;
}

/** A lock belongs to a principal, and only its members and the database's owner can take it. */
function mayLockAs({ catalog, principalId }: ProcedureCall['session'], name: string): boolean {
  const principal = principalByName(catalog, name);
  if (!principal) return false;
  return principal.id === PUBLIC || principalId === DBO || rolesOf(catalog, principalId).includes(principal.id);
}

/** 0 granted at once, 1 after a wait, -1 timed out, -2 cancelled, -3 deadlock, -999 called wrongly. */
async function getAppLock(call: ProcedureCall): Promise<number> {
  const { session, signal } = call;
  const mode = MODES[text(call, '@lockmode').toLowerCase()];
  const scope = lockScope(call);
  const resource = text(call, '@resource');
  if (!mode || !scope || resource === '' || resource.length > 255) return INVALID;
  if (scope === 'transaction' && !session.transaction) return INVALID;
  if (!mayLockAs(session, text(call, '@dbprincipal', 'public'))) return INVALID;
  const asked = call.arguments.get('@locktimeout');
  const timeout =
    asked === undefined || asked === null ? session.lockTimeout : Number(asked) < 0 ? undefined : Number(asked);
  const outcome = await session.database.locks.acquire(session, lockName(call), mode, scope, timeout, signal);
  if (outcome === 'cancelled') throw signal?.reason;
  return { granted: 0, 'granted-after-wait': 1, timeout: -1, deadlock: -3 }[outcome];
}

async function releaseAppLock(call: ProcedureCall): Promise<number> {
  const scope = lockScope(call);
  if (!scope) return INVALID;
  if (call.session.database.locks.release(call.session, lockName(call), scope)) return 0;
  throw new SqlError(
    1223,
    `Cannot release the application lock (Database Principal: 'public', Resource: '${text(call, '@resource')}') because it is not currently held.`,
  );
}

/** Extended properties are kept on users and roles only. */
async function changeProperty(call: ProcedureCall, procedure: string): Promise<number> {
  const { session, signal } = call;
  const [name, target] = [text(call, '@name'), text(call, '@level0name')];
  const kind = text(call, '@level0type').toUpperCase();
  if (name === '')
    throw new SqlError(15600, `An invalid parameter or option was specified for procedure '${procedure}'.`, 15);
  if (call.arguments.has('@level1type') || (kind !== 'USER' && kind !== 'ROLE')) {
    throw new SqlError(40517, `Extended properties on '${kind}' are not supported.`);
  }
  const principal = principalByName(session.catalog, target);
  const allowed = principal && may(session.rights(), 'ALTER', { class: 'principal', principal });
  if (!allowed) {
    throw new SqlError(
      15135,
      `Object is invalid. Extended properties are not permitted on '${target}', or the object does not exist.`,
    );
  }
  const id = BigInt(principal.id);
  const value = call.arguments.get('@value') ?? null;
  await session.write('catalog', signal, { action: procedure, object: name, member: principal.name }, (on) => {
    const there = on.get('SELECT 1 AS one FROM sys.property WHERE major_id = ? AND name = ?', id, name) !== undefined;
    if (procedure === 'sp_addextendedproperty') {
      if (there)
        throw new SqlError(15233, `Property cannot be added. Property '${name}' already exists for '${target}'.`);
      on.run('INSERT INTO sys.property VALUES (?, ?, ?)', id, name, value);
    } else if (!there) {
      throw new SqlError(
        15217,
        `Cannot update or delete extended property. The property '${name}' does not exist for '${target}'.`,
      );
    } else if (procedure === 'sp_updateextendedproperty') {
      on.run('UPDATE sys.property SET value = ? WHERE major_id = ? AND name = ?', value, id, name);
    } else {
      on.run('DELETE FROM sys.property WHERE major_id = ? AND name = ?', id, name);
    }
  });
  return 0;
}
