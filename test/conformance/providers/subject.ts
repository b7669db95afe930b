import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import type { Entitlement } from '../../../shared/domain/policy.ts';
import type { Instant } from '../../../shared/domain/time.ts';
import type { Principal } from '../../../shared/providers/provider.ts';
import type { Fixture, Session } from './fixture.ts';

export interface Abilities {
  /** The fixture can log in as people. */
  readonly sessions: boolean;
  /** The provider is somebody with less rights than the administrator. */
  readonly leastPrivilege: boolean;
}

/** The fixture of a suite, and short words for what its sentences say often. */
export interface Subject<E extends Entitlement> {
  readonly fixture: Fixture<E>;
  readonly can: Abilities;
  now(): Instant;
  newcomer(userPrincipalName?: string): Principal;
  members(entitlement?: E): Promise<string[]>;
  userName(person: Principal): Promise<string | undefined>;
  /** Somebody who has just been given the entitlement. */
  granted(person?: Principal, entitlement?: E): Promise<Principal>;
  /** A session that is closed after the test. */
  signIn(person: Principal): Promise<Session>;
}

export const refused = (code: string) => expect.objectContaining({ name: 'CurfewError', code });

/** Opens the fixture before the tests of the surrounding `describe` and closes it after them. */
export function subjectOf<E extends Entitlement>(open: () => Promise<Fixture<E>>, can: Abilities): Subject<E> {
  let opened: Fixture<E> | undefined;
  const sessions: Session[] = [];
  const fixture = () => {
    if (!opened) throw new Error('the fixture is not open');
    return opened;
  };
  beforeAll(async () => {
    opened = await open();
  });
  afterEach(async () => {
    opened?.clock.start();
    for (const session of sessions.splice(0)) await session.close();
  });
  afterAll(() => opened?.close());

  const newcomer = (userPrincipalName?: string) => fixture().newcomer(userPrincipalName);
  return {
    get fixture() {
      return fixture();
    },
    can,
    newcomer,
    now: () => fixture().clock.now(),
    members: (entitlement = fixture().entitlement) => fixture().administrator.members(entitlement),
    userName: (person) => fixture().administrator.userName(fixture().entitlement, person),
    granted: async (person = newcomer(), entitlement = fixture().entitlement) => {
      expect(await fixture().provider.grant(entitlement, person)).toBe('granted');
      return person;
    },
    signIn: async (person) => {
      const { signIn, entitlement } = fixture();
      if (!signIn) throw new Error('this fixture cannot log in as people');
      const session = await signIn(person, entitlement);
      sessions.push(session);
      return session;
    },
  };
}
