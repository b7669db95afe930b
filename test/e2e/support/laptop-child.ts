import { createServer } from 'node:net';
import { fixedPorts, type LaptopOptions, type Ports } from '../../../local/laptop.ts';
import { Killable } from './killable.ts';

export interface LaptopProcessOptions extends Pick<LaptopOptions, 'folder' | 'withoutCurfew' | 'policy'> {
  readonly ports: Ports;
  /** In place of the sample company. */
  readonly companyFile?: string;
}

/** What the child says once everything listens. */
export interface Report {
  readonly settings: Record<string, string>;
  readonly authority: string;
}

/** The whole laptop. */
export class LaptopChild extends Killable<LaptopProcessOptions, Report> {
  constructor(options: LaptopProcessOptions) {
    super('The laptop', new URL('laptop-process.ts', import.meta.url), options);
  }

  /** kill -9, and up again at once. */
  async killAndRestart(): Promise<void> {
    await this.kill();
    await this.start();
  }
}

/**
 * Free ports below those that systems give to outgoing connections: one of these could be taken by anybody while the laptop
 * is down.
 */
export async function findPorts(random: () => number): Promise<Ports> {
  const ports = { ...fixedPorts };
  for (let next = 15_000 + Math.floor(random() * 15_000); ; next += 10) {
    const names = Object.keys(ports) as (keyof Ports)[];
    for (const [index, name] of names.entries()) ports[name] = next + index;
    const free = await Promise.all(Object.values(ports).map(isFree));
    if (free.every(Boolean)) return ports;
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
