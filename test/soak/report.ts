import { availableParallelism, loadavg } from 'node:os';
import { quantile } from '../../bench/figures.ts';
import type { Evidence } from '../e2e/support/evidence.ts';
import { type Finding, leftOver } from '../e2e/support/examine.ts';
import type { Asked } from '../e2e/support/portal.ts';
import type { Verdict } from './judge.ts';
import type { Link } from './link.ts';
import type { Part } from './part.ts';

export interface Soaked {
  readonly seed: number;
  readonly seconds: number;
  readonly parts: readonly Part[];
  readonly wires: Readonly<Record<string, Link>>;
  readonly asked: readonly Asked[];
  /** What nobody answered for long. */
  readonly vain: readonly string[];
  /** What had not ended when patience had. */
  readonly unended: readonly Asked[];
  readonly evidence: Evidence;
  readonly alerts: readonly string[];
  readonly verdict: Verdict;
}

/** The table, what was found beside it a line each, and whether all that must be 0 is. */
export function reportOf(soaked: Soaked): { table: string; findings: Finding[]; holds: boolean } {
  const { verdict, evidence, asked, vain, unended, alerts } = soaked;
  const left = [...leftOver(evidence), ...unended.map(({ id }) => `${id} has not ended`)];
  // The answer to who asked may be cut off after the request was accepted.
  const heard = new Set(asked.map(({ id }) => id));
  const accepted = [...evidence.projections.values()];
  const states = Map.groupBy(
    accepted.filter(({ id }) => heard.has(id)),
    ({ state, failure }) => (failure === undefined ? state : `${state} with ${failure}`),
  );
  const { latenesses } = verdict;
  const rows: (readonly [what: string, count: number | string])[] = [
    ['requests accepted', asked.length],
    ['of which ended', [...states].map(([state, all]) => `${all.length} ${state}`).join(', ')],
    ['accepted beside them, where nobody heard the answer', accepted.filter(({ id }) => !heard.has(id)).length],
    ...soaked.parts.map(({ name, outages }) => [`kill -9 of ${name}`, killed(outages)] as const),
    ...Object.entries(soaked.wires).map(([name, { counts }]) => [`wire to ${name} cut`, cuts(counts)] as const),
    ['memberships ended', latenesses.length + verdict.early.length + verdict.cutShort.length],
    ['lateness', `median ${milliseconds(quantile(latenesses, 0.5))}, p99 ${milliseconds(quantile(latenesses, 0.99))}`],
    ['on time, within 1 s', verdict.onTime.length],
    ['late and told', verdict.lateAndTold.length],
    ['late and alerted', `${verdict.lateAndAlerted.length}, by ${alerts.length} mails`],
    ['cut short, the holds being out of reach', verdict.cutShort.length],
    ['**early** (must be 0)', verdict.early.length],
    ['**late and silent** (must be 0)', verdict.lateAndSilent.length],
    ['**lost events** (must be 0)', verdict.lost.length],
    ['**left over** (must be 0)', left.length],
    ['calls given up for want of an answer', vain.length],
  ];
  const named = (name: string, all: readonly Finding[]) => all.map((finding) => `${name}: ${finding}`);
  const broken = [
    ...named('early', verdict.early),
    ...named('late and silent', verdict.lateAndSilent),
    ...named('lost', verdict.lost),
    ...named('left over', left),
  ];
  return {
    table: [
      `Seed ${soaked.seed}, ${soaked.seconds} s of trouble, ${availableParallelism()} cores under a load of ${Math.round(loadavg()[1] ?? 0)}, Node ${process.versions.node}:`,
      '',
      '| what | count |',
      '|---|---|',
      ...rows.map(([what, value]) => `| ${what} | ${value} |`),
    ].join('\n'),
    findings: [...broken, ...named('cut short', verdict.cutShort), ...named('given up', grouped(vain))],
    holds: broken.length === 0,
  };
}

/** Alike but for the ids in them. */
function grouped(messages: readonly string[]): string[] {
  const kinds = Map.groupBy(messages, (message) => message.replaceAll(/req-\w{26}|[\w-]{43}/g, '…'));
  return [...kinds].map(([kind, { length }]) => `${length} × ${kind}`);
}

function killed(outages: readonly number[]): string {
  if (outages.length === 0) return '0';
  return `${outages.length} times, down for ${milliseconds(Math.min(...outages))} to ${milliseconds(Math.max(...outages))}`;
}

function cuts(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([how, times]) => `${times} × ${how}`)
    .join(', ');
}

const milliseconds = (value: number) =>
  value < 10_000 ? `${Math.round(value)} ms` : `${(value / 1_000).toFixed(1)} s`;
