import type { HttpRequest } from '@azure/functions';
import { z } from 'zod';
import { CurfewError, isErrorCode } from '../../shared/domain/errors.ts';
import { isRequestId, type RequestId } from '../../shared/domain/ids.ts';
import type { Remedy } from '../../shared/domain/remedies.ts';
import { isSafeText } from '../../shared/domain/text.ts';
import { parseDuration } from '../../shared/domain/time.ts';

const bodyLimit = 64 * 1024;

/** A text that people will read and decide by. */
export function safeText(limit: number) {
  const message = 'Leave out control characters and characters that reorder or hide text.';
  return z
    .string()
    .max(limit)
    .refine(isSafeText, { params: { code: 'CURFEW_TEXT_UNSAFE' }, message })
    .meta({ description: 'Without control characters and characters that reorder or hide text.' });
}

/** The form that is promised. What else is understood, such as spaces and capitals, is courtesy. */
const durationForm = {
  description: 'Whole seconds or more: ISO 8601 without years and months, or as people write it.',
  pattern: String.raw`^(P(?=.)(\d+W)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+S)?)?|(?=.)(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?)$`,
  examples: ['2h', '90m', '1h30m', 'PT8H'],
};

/** `2h`, `90m`, `PT8H`; parsed to milliseconds. */
export function duration() {
  return z
    .string()
    .meta(durationForm)
    .transform((text, context) => {
      const milliseconds = parseDuration(text);
      if (milliseconds !== undefined && milliseconds > 0) return milliseconds;
      const message = 'Give a duration of at least a second, such as 2h, 90m or PT8H.';
      context.addIssue({ code: 'custom', params: { code: 'CURFEW_DURATION_INVALID' }, message });
      return z.NEVER;
    });
}

/** The body's text. The host passes 100 MB on, so the limit is ours. */
export async function readBody(request: HttpRequest): Promise<string> {
  const bytes = await request.arrayBuffer();
  if (bytes.byteLength > bodyLimit) throw new CurfewError('CURFEW_BODY_TOO_LARGE');
  return Buffer.from(bytes).toString('utf8');
}

/** The fields of an HTML form. */
export async function readForm(request: HttpRequest): Promise<Record<string, string>> {
  const fields = [...new URLSearchParams((await readBody(request)).replaceAll('%0D%0A', '%0A'))];
  const form = Object.fromEntries(fields);
  // Of `decision=deny&decision=approve` nobody can say what was meant.
  if (Object.keys(form).length < fields.length) throw new CurfewError('CURFEW_BODY_INVALID');
  return form;
}

export async function readJson<Shape extends z.ZodType>(request: HttpRequest, shape: Shape): Promise<z.output<Shape>> {
  const text = await readBody(request);
  const remedy: Remedy = { kind: text === '' ? 'send-json-with-length' : 'send-json' };
  return parse(shape, parseJson(text, remedy), 'CURFEW_BODY_INVALID');
}

/** As readJson, where no body at all stands for an empty object. */
export async function readOptionalJson<Shape extends z.ZodType>(
  request: HttpRequest,
  shape: Shape,
): Promise<z.output<Shape>> {
  const text = await readBody(request);
  return parse(shape, text === '' ? {} : parseJson(text, { kind: 'send-json-or-nothing' }), 'CURFEW_BODY_INVALID');
}

function parseJson(text: string, remedy: Remedy): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new CurfewError('CURFEW_BODY_INVALID', { remedy });
  }
}

/** Parsed, or refused with the first problem's path and sentence. zod's sentences hold no input beyond the names of keys. */
export function parse<Shape extends z.ZodType>(
  shape: Shape,
  input: unknown,
  code: 'CURFEW_BODY_INVALID' | 'CURFEW_PARAMETER_INVALID',
): z.output<Shape> {
  const parsed = shape.safeParse(input);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = `/${issue?.path.join('/') ?? ''}`;
  const own = issue?.code === 'custom' ? issue.params?.code : undefined;
  if (isErrorCode(own)) throw new CurfewError(own, { detail: issue?.message, path });
  throw new CurfewError(code, { detail: issue?.message, path });
}

/** For what changes something: `?dryRun=true` must not be taken for a dry run where there is none. */
export function expectNoQuery(request: HttpRequest): void {
  parse(z.strictObject({}), Object.fromEntries(request.query), 'CURFEW_PARAMETER_INVALID');
}

/** The id from the address. One of another form names no request. */
export function readRequestId(request: HttpRequest): RequestId {
  const { id } = request.params;
  if (id === undefined || !isRequestId(id)) throw new CurfewError('CURFEW_REQUEST_NOT_FOUND');
  return id;
}
