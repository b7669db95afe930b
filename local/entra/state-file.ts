import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { z } from 'zod';

const State = z.strictObject({
  /** Newest last; the last one signs. `retiredAt` is in milliseconds, set once a newer key has taken over. */
  keys: z.array(z.strictObject({ kid: z.string(), pem: z.string(), retiredAt: z.number().nullable() })),
  /** What was changed after the company file was read, by object id. */
  edits: z.strictObject({
    accountEnabled: z.record(z.string(), z.boolean()),
    members: z.record(z.string(), z.array(z.string())),
    managerId: z.record(z.string(), z.string().nullable()).default({}),
  }),
});

export type State = z.infer<typeof State>;
export type Edits = State['edits'];

/** The signing keys and directory edits; kept in a JSON file that only its owner can read, or in memory without a path. */
export class StateFile {
  readonly state: State;
  readonly #path: string | undefined;

  constructor(path?: string) {
    this.#path = path;
    this.state =
      path && existsSync(path)
        ? State.parse(JSON.parse(readFileSync(path, 'utf8')))
        : { keys: [], edits: { accountEnabled: {}, members: {}, managerId: {} } };
  }

  /** Written beside and renamed, so that a kill leaves the old file or the new one. */
  save(): void {
    if (!this.#path) return;
    const draft = `${this.#path}.${process.pid}.tmp`;
    const file = openSync(draft, 'w', 0o600);
    try {
      writeSync(file, JSON.stringify(this.state, null, 2));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(draft, this.#path);
  }
}
