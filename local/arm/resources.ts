import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { z } from 'zod';

/** The parts of a resource id; those that are left out are of something further up. */
export interface Place {
  readonly subscription: string;
  readonly group?: string | undefined;
  readonly server?: string | undefined;
  readonly database?: string | undefined;
}

const form =
  /^\/subscriptions\/(?<subscription>[^/]+)(?:\/resourcegroups\/(?<group>[^/]+)(?:\/providers\/microsoft\.sql\/servers\/(?<server>[^/]+)(?:\/databases\/(?<database>[^/]+))?)?)?$/i;

/** Undefined for what is no resource id, or one of a kind that isn't here. ARM compares without regard to case. */
export function placeOf(resourceId: string): Place | undefined {
  const parts = form.exec(resourceId.toLowerCase())?.groups;
  return parts && ({ ...parts } as unknown as Place);
}

/** What there is: the databases that are named at the start, and all that they are in, but what was deleted since. */
export class Resources {
  readonly #places: readonly Place[];
  readonly #path: string | undefined;
  #deleted: string[];

  constructor(databases: readonly string[], path?: string) {
    this.#places = databases.map((id) => {
      const place = placeOf(id);
      if (place?.database === undefined) throw new TypeError(`${id} is not the resource id of a database`);
      return place;
    });
    this.#path = path;
    this.#deleted = path && existsSync(path) ? z.array(z.string()).parse(JSON.parse(readFileSync(path, 'utf8'))) : [];
  }

  has(resourceId: string): boolean {
    const place = placeOf(resourceId);
    const id = resourceId.toLowerCase();
    if (!place || this.#deleted.some((gone) => id === gone || id.startsWith(`${gone}/`))) return false;
    const asked = Object.entries(place).filter(([, part]) => part !== undefined);
    return this.#places.some((each) => asked.every(([kind, part]) => each[kind as keyof Place] === part));
  }

  /** In all of Azure there is one server of a name. */
  hasServer(name: string): boolean {
    return this.#places.some(
      ({ subscription, group, server }) =>
        server === name.toLowerCase() &&
        this.has(`/subscriptions/${subscription}/resourcegroups/${group}/providers/microsoft.sql/servers/${server}`),
    );
  }

  /** With all that is in it. Written beside and renamed, so that a kill leaves the old file or the new one. */
  delete(resourceId: string): void {
    this.#deleted = [...this.#deleted, resourceId.toLowerCase()];
    if (this.#path === undefined) return;
    const draft = `${this.#path}.${process.pid}.tmp`;
    const file = openSync(draft, 'w', 0o600);
    try {
      writeSync(file, JSON.stringify(this.#deleted));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(draft, this.#path);
  }
}
