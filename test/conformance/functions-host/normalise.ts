import type { ClientCall, Step } from './scenario.ts';

/** Instants, random ids and .NET stacks differ from run to run; all else must be the same. */
function normaliseText(text: string): string {
  return text
    .replace(/2026-1[12]-\d\dT[\d:.]+(?:Z|\+00:00)?/g, '<time>')
    .replace(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/, '<guid>')
    .replace(/^[0-9a-f]{32}$/, '<id>')
    .replace(/ \n \{"\$type":"System\.Exception[\s\S]*$/, ' <exception>')
    .replace(/^\{"\$type":"System\.Exception[\s\S]*$/, '<exception>')
    .replace(/ \\+n \{\\+"\$type\\+":\\+"System\.Exception[\s\S]*$/, ' <exception>')
    .replace(/,"(?:StackTrace|ExceptionType)":[\s\S]*$/, '')
    .replace(/Details: [\s\S]*$/, 'Details')
    .replace(/Additional info: [\s\S]*$/, '');
}

export function normalise(value: unknown): unknown {
  if (typeof value === 'string') return normaliseText(value);
  if (Array.isArray(value)) return value.map(normalise);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !['Timestamp', 'ExecutionId'].includes(key))
      .map(([key, inner]) => [key, normalise(inner)]),
  );
}

/** What the orchestrator was told and what it answered. */
export function essence({ instanceId, trigger, returned, threw }: Step): unknown {
  const state = threw ? JSON.parse(threw.message.slice(threw.message.indexOf('$OutOfProcData$:') + 16)) : returned;
  return normalise({ instanceId, told: trigger, [threw ? 'threw' : 'returned']: state });
}

export function outcome({ call, result, error, wire }: ClientCall): unknown {
  const seen = error ? { error: error.message } : { result };
  return normalise({ call, ...seen, wire: wire?.map(({ method, status }) => `${method} ${status}`) });
}

const compared = ['httpStatus', 'name', 'instanceId', 'runtimeStatus', 'input', 'customStatus', 'output'];

export function statusEssence(status: Readonly<Record<string, unknown>>): unknown {
  return normalise(Object.fromEntries(Object.entries(status).filter(([key]) => compared.includes(key))));
}
