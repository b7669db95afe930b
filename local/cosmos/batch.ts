import type { Action } from './access.ts';
import { type Documents, maxBytes } from './documents.ts';
import { isObject, type Json, type JsonObject, parseJson } from './json.ts';
import type { Conditions, Outcome } from './outcome.ts';
import { type Partition, partitionFrom } from './partition.ts';
import { readPatch } from './patch.ts';
import { badRequest, Refusal } from './refusal.ts';
import type { Store } from './store.ts';

const actions = {
  Create: 'create',
  Upsert: 'upsert',
  Read: 'read',
  Replace: 'replace',
  Patch: 'replace',
  Delete: 'delete',
} as const satisfies Record<string, Action>;

export interface BatchOperation {
  type: keyof typeof actions;
  action: Action;
  id: string;
  partition: Partition | undefined;
  body: JsonObject;
  conditions: Conditions;
  /** Leave the written document out of the answer. */
  minimal: boolean;
}

export function batchOperations(text: string, minimal: boolean): BatchOperation[] {
  const list = parseJson(text);
  if (!Array.isArray(list) || list.length === 0) throw badRequest('A batch is a list of operations and not empty.');
  if (list.length > 100) throw badRequest('A batch has at most 100 operations.');
  return list.map((operation) => batchOperation(operation, minimal));
}

function batchOperation(value: Json, minimal: boolean): BatchOperation {
  if (!isObject(value)) throw badRequest('A batch operation is an object.');
  const { operationType, id, partitionKey, resourceBody, ifMatch, ifNoneMatch } = value;
  if (typeof operationType !== 'string' || !Object.hasOwn(actions, operationType))
    throw badRequest(`The batch operation '${String(operationType)}' is not supported.`);
  const type = operationType as keyof typeof actions;
  const condition = (given: Json | undefined) => (typeof given === 'string' ? given : undefined);
  return {
    type,
    action: actions[type],
    id: typeof id === 'string' ? id : '',
    partition: typeof partitionKey === 'string' ? partitionFrom(partitionKey) : undefined,
    body: type === 'Patch' ? readPatch(resourceBody) : isObject(resourceBody) ? resourceBody : {},
    conditions: { ifMatch: condition(ifMatch), ifNoneMatch: condition(ifNoneMatch) },
    minimal: minimal && type !== 'Read',
  };
}

function perform(documents: Documents, partition: Partition, operation: BatchOperation): Outcome {
  const { type, id, body, conditions } = operation;
  switch (type) {
    case 'Create':
      return documents.create(partition, body);
    case 'Upsert':
      return documents.upsert(partition, body, conditions);
    case 'Read':
      return documents.read(partition, id, conditions);
    case 'Replace':
      return documents.replace(partition, id, body, conditions);
    case 'Patch':
      return documents.patch(partition, id, body, conditions);
    case 'Delete':
      return documents.delete(partition, id, conditions);
  }
}

const succeeded = ({ minimal }: BatchOperation, { status, etag, body, charge }: Outcome) => ({
  statusCode: status,
  eTag: etag,
  resourceBody: body === undefined || minimal ? undefined : parseJson(body),
  requestCharge: charge,
});
const failed = ({ status, substatus, message }: Refusal) => ({
  statusCode: status,
  subStatusCode: substatus,
  message,
  requestCharge: 1,
});
const dependent = { statusCode: 424, requestCharge: 0 };

/** All or nothing in one partition: the failing operation keeps its own code, every other one is 424. */
export function atomicBatch(store: Store, documents: Documents, partition: Partition, list: BatchOperation[]): Outcome {
  let at = 0;
  try {
    const results = store.write(() =>
      list.map((operation, i) => {
        at = i;
        if (operation.partition !== undefined && operation.partition !== partition)
          throw badRequest('All operations of a batch share one partition key.');
        return succeeded(operation, perform(documents, partition, operation));
      }),
    );
    return outcome(200, results);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return outcome(
      207,
      list.map((_, i) => (i === at ? failed(error) : dependent)),
    );
  }
}

/** The SDK's bulk mode: each operation for itself, in its own partition. */
export function bulk(documents: Documents, list: BatchOperation[], continueOnError: boolean): Outcome {
  let stopped = false;
  const results = list.map((operation) => {
    if (stopped) return dependent;
    try {
      if (operation.partition === undefined) throw badRequest('A bulk operation names its partition key.');
      return succeeded(operation, perform(documents, operation.partition, operation));
    } catch (error) {
      stopped = !continueOnError;
      return failed(Refusal.from(error));
    }
  });
  return outcome(results.some(({ statusCode }) => statusCode >= 400) ? 207 : 200, results);
}

function outcome(status: 200 | 207, results: { requestCharge: number }[]): Outcome {
  const body = JSON.stringify(results);
  if (body.length > 2 * maxBytes) throw new Refusal(413, 'The answer to the batch is too large');
  return { status, body, charge: results.reduce((sum, { requestCharge }) => sum + requestCharge, 0) };
}
