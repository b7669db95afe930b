import type { Place } from '../../local/laptop.ts';
import { Killable } from '../e2e/support/killable.ts';

export type PartName = 'curfew' | 'sql' | 'cosmos';

export interface PartOptions extends Omit<Place, 'certificate'> {
  readonly part: PartName;
  readonly settings: Readonly<Record<string, string>>;
}

/** One part of the laptop, killed without the others. It may listen on another port each time. */
export class Part extends Killable<PartOptions, number> {
  readonly #listens: (port: number) => void;

  constructor(options: PartOptions, listens: (port: number) => void) {
    super(options.part, new URL('part-process.ts', import.meta.url), options);
    this.#listens = listens;
  }

  override async start(): Promise<number> {
    const port = await super.start();
    this.#listens(port);
    return port;
  }
}
