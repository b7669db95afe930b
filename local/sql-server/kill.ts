import { DATABASE, may } from './permissions.ts';
import { SqlError } from './server-error.ts';
import type { Session } from './session.ts';
import { who } from './statement-audit.ts';

/** Only sessions of one's own database can be ended. */
export function kill(session: Session, id: number) {
  if (!may(session.rights(), 'KILL DATABASE CONNECTION', DATABASE)) {
    throw new SqlError(6102, 'User does not have permission to use the KILL statement.', 14);
  }
  if (session.transaction) throw new SqlError(6115, 'KILL command cannot be used inside user transactions.');
  if (id < 1 || id > 32_767) throw new SqlError(6101, `Session ID ${id} is not valid.`);
  if (id === session.id) throw new SqlError(6104, 'Cannot use KILL to kill your own process.');
  const victim = session.registry.get(id);
  if (!victim || victim.database !== session.database)
    throw new SqlError(6106, `Process ID ${id} is not an active process ID.`);
  session.database.record({
    ...who(session),
    action: 'KILL',
    object: String(id),
    member: victim.login.name,
    succeeded: true,
  });
  victim.kill();
}
