import type { AccessRequest } from '../domain/access-request.ts';
import type { DriftEvent } from '../domain/drift.ts';
import type { CurfewEvent } from '../domain/events.ts';
import type { TargetId } from '../domain/ids.ts';
import { oneLine } from '../domain/text.ts';
import { describeDuration } from '../domain/time.ts';
import type { AnyEvent } from '../ports.ts';
import { describeDrift, driftHeading } from './reconciler-words.ts';
import { answersOf, deciderOf, type Fact, factsOf, linesOfFact, roleOf, wishOf } from './request-words.ts';
import { nameOf, sentenceOf } from './words.ts';
import { describeInstant } from './zones.ts';

/** A run of text, which is shown to the letter. */
interface TextRun {
  readonly type: 'TextRun';
  readonly text: string;
  readonly size?: 'Large';
  readonly weight?: 'Bolder';
  readonly color?: Tone;
  readonly isSubtle?: true;
}
interface RichTextBlock {
  readonly type: 'RichTextBlock';
  readonly inlines: readonly TextRun[];
}
type Tone = 'Default' | 'Good' | 'Attention';

/**
 * An Adaptive Card (https://adaptivecards.io/explorer). It has no part but runs of text: a TextBlock and the values of a FactSet would be
 * read as Markdown, in which a reason could be a link or a picture. It has no action either: a channel is read by many, and who may
 * decide has a mail of their own.
 */
export interface Card {
  readonly type: 'AdaptiveCard';
  readonly $schema: string;
  readonly version: '1.4';
  readonly body: readonly RichTextBlock[];
}

interface Words {
  readonly tone: Tone;
  readonly heading: string;
  readonly sentences: readonly string[];
  readonly facts: readonly Fact[];
}

type EventType = (CurfewEvent | DriftEvent)['type'];
/** Of a request's event, with what the request has become by it; undefined where nobody needs to hear of it. */
type Tell<Type extends CurfewEvent['type']> = (
  request: AccessRequest,
  event: Extract<CurfewEvent, { type: Type }>,
) => Words | undefined;

/**
 * What people in a channel want to hear: that somebody asks people, what came of it, and what is alarming until it is over. What goes as
 * it was decided (granted, ended on time), and what the policy decides by itself, would teach them not to look.
 */
const told: { readonly [Type in CurfewEvent['type']]?: Tell<Type> } = {
  'access-requested': (request) =>
    request.terms.automatic || request.terms.breakGlass
      ? undefined
      : {
          tone: 'Default',
          heading: `${nameOf(request.requester)} asks for ${wishOf(request)}`,
          sentences: [
            `It can be answered until ${describeInstant(request.approveBy)}.`,
            'Those who may approve it have been written to, and answer from their own mails.',
          ],
          facts: factsOf(request, []),
        },
  'access-approved': (request, { commandId }) =>
    request.decision?.commandId === commandId ? decided(request, 'Good') : undefined,
  'access-denied': (request) => decided(request, 'Default'),
  'approval-timed-out': (request) => ({
    tone: 'Default',
    heading: `Not answered in time: ${whose(request)}`,
    sentences: [],
    facts: factsOf(request, []),
  }),
  'glass-broken': (request) => ({
    tone: 'Attention',
    heading: `BREAK-GLASS: ${nameOf(request.requester)} took ${roleOf(request)} without approval`,
    sentences: ['Those whom the policy names have been written to. Once it has ended somebody has to review it.'],
    facts: factsOf(request, []),
  }),
  'revocation-delayed': (request, { attempt, code }) => ({
    tone: 'Attention',
    heading: `OVERDUE: ${roleOf(request)} may still be held by ${nameOf(request.requester)}`,
    sentences: [`Curfew goes on trying. Attempt ${attempt}: ${sentenceOf(code)} (${code})`],
    facts: factsOf(request, []),
  }),
  'access-revoked': (request, { at, lateness }) =>
    request.delay && {
      tone: 'Good',
      heading: `No longer overdue: ${whose(request)} has ended`,
      sentences: [
        `It was seen to be gone on ${describeInstant(at)}${
          lateness === undefined ? '' : `, ${describeDuration(Math.max(0, lateness))} after its deadline`
        }.`,
      ],
      facts: factsOf(request, []),
    },
};

const types: ReadonlySet<EventType> = new Set([...(Object.keys(told) as EventType[]), 'drift-found']);

/** Whether there may be a card for such an event. */
export function isTold({ event }: AnyEvent): boolean {
  return types.has(event.type);
}

/** The card for an event; undefined where there is none. Of a request's event the request is needed, as it was with this event. */
export function cardOf({ requestId, event }: AnyEvent, request: AccessRequest | undefined): Card | undefined {
  if (event.type === 'drift-found') {
    const target = requestId.replace(/^drift-/, '') as TargetId;
    const { action, entitlement, holder } = event;
    const words: Words = {
      tone: 'Attention',
      heading: driftHeading,
      sentences: describeDrift({ kind: 'drift', isNew: true, target, action, entitlement, holder }),
      facts: [],
    };
    return setCard(words, requestId);
  }
  const tell = told[event.type as CurfewEvent['type']] as Tell<CurfewEvent['type']> | undefined;
  const words = request && tell?.(request, event as CurfewEvent);
  return words && setCard(words, requestId);
}

function decided(request: AccessRequest, tone: Tone): Words | undefined {
  const { decision } = request;
  return (
    decision && {
      tone,
      heading: `${deciderOf(decision)} ${decision.outcome} ${whose(request)}`,
      sentences: [],
      facts: [...factsOf(request, []), ...answersOf(request)],
    }
  );
}

function whose(request: AccessRequest): string {
  return `${wishOf(request)} for ${nameOf(request.requester)}`;
}

/** A message in Teams has 28 KB, and one that is refused would hold up all that come after it. Characters of a text, and how many facts. */
const longest = 250;
const mostFacts = 10;

function setCard({ tone, heading, sentences, facts }: Words, closing: string): Card {
  const shown = facts.filter((fact) => linesOfFact(fact).length > 0).slice(0, mostFacts);
  return {
    type: 'AdaptiveCard',
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    version: '1.4',
    body: [
      block({ text: oneLine(heading, longest), size: 'Large', weight: 'Bolder', color: tone }),
      ...sentences.map((sentence) => block({ text: oneLine(sentence, longest) })),
      ...shown.map((fact) =>
        block(
          { text: `${oneLine(fact.label, longest)}: `, weight: 'Bolder' },
          { text: oneLine(linesOfFact(fact).join('; '), longest) },
        ),
      ),
      block({ text: closing, isSubtle: true }),
    ],
  };
}

/** All but a date is shown to the letter: `{{DATE(…)}}` would be formatted, so no two braces stand together. */
function block(...runs: readonly Omit<TextRun, 'type'>[]): RichTextBlock {
  const literal = (text: string) => text.replaceAll(/\{(?=\{)/g, '{ ');
  return {
    type: 'RichTextBlock',
    inlines: runs.map((run) => ({ type: 'TextRun', ...run, text: literal(run.text) })),
  };
}
