import { z } from 'zod';
import { answerForm, reviewForm } from '../approvals.ts';
import { decisionBody, reviewBody, revokeBody } from '../commands.ts';
import { extensionBody } from '../extension.ts';
import {
  accessRequest,
  driftList,
  errorCode,
  eventList,
  healthReport,
  person,
  preview,
  problemDetails,
  recordedEvent,
  requestId,
  requestList,
  role,
  targetList,
} from '../http/shapes.ts';
import { submitBody } from '../submit.ts';

/** Every schema that the document names: the bodies as they are parsed, the answers as they are given. */
export const components = {
  Submission: submitBody,
  Extension: extensionBody,
  Answer: decisionBody,
  Review: reviewBody,
  Revocation: revokeBody,
  ApprovalForm: answerForm.or(reviewForm),
  SignOutForm: z.object({ csrf: z.string() }),
  AccessRequest: accessRequest,
  RequestId: requestId,
  Preview: preview,
  RequestList: requestList,
  TargetList: targetList,
  Role: role,
  Person: person,
  EventList: eventList,
  RecordedEvent: recordedEvent,
  DriftList: driftList,
  Health: healthReport,
  Problem: problemDetails,
  ErrorCode: errorCode,
  OpenApi: z.looseObject({ openapi: z.literal('3.1.1') }),
} as const;
export type ComponentName = keyof typeof components;

export function refTo(name: ComponentName) {
  return { $ref: `#/components/schemas/${name}` };
}

/** All of them as JSON Schema (2020-12), as one writes them: durations and instants are texts. */
export function componentSchemas(): Record<string, object> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(components)) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, { ...asWritten, uri: (id) => refTo(id as ComponentName).$ref });
  return Object.fromEntries(Object.entries(schemas).map(([id, { $schema: _, $id: __, ...schema }]) => [id, schema]));
}

/** One that is used in a single place, such as a parameter. */
export function schemaOf(schema: z.ZodType): z.core.JSONSchema.BaseSchema {
  const { $schema: _, ...plain } = z.toJSONSchema(schema, asWritten);
  return plain;
}

const asWritten: z.core.ToJSONSchemaParams = {
  io: 'input',
  target: 'draft-2020-12',
  // What goes without saying: the regular expression of a format, and the bounds of every integer in JavaScript.
  override: ({ jsonSchema }) => {
    if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
    if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  },
};
