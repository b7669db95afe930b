import { Ajv2020 } from 'ajv/dist/2020.js';

/** As much of the document as tests look at. */
export interface Described {
  readonly openapi: string;
  readonly info: { readonly version: string };
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, unknown>>;
    readonly securitySchemes: { readonly entra: { readonly openIdConnectUrl: string } };
  };
}

export interface DescribedOperation {
  readonly operationId: string;
  readonly security: readonly object[];
  readonly 'x-required-roles'?: readonly string[];
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly schema: object }[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, DescribedResponse>>;
}

export interface DescribedResponse {
  readonly description: string;
  readonly headers?: Readonly<Record<string, object>>;
  readonly content?: Content;
}

type Content = Readonly<
  Record<
    string,
    { readonly schema: { readonly $ref?: string }; readonly examples?: Readonly<Record<string, { value: object }>> }
  >
>;

const formats = {
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/,
};

/**
 * What is wrong with a value by one of the document's schemas; empty where it fits. Clients have to put up with properties that
 * they don't know, and tests don't: no object may have any.
 */
export function problemsBy(document: Described): (ref: string, value: unknown) => string[] {
  const ajv = new Ajv2020({ allErrors: true, strict: true, strictRequired: false, formats });
  ajv.addVocabulary(Object.keys(document));
  ajv.addSchema({ ...document, components: { schemas: closed(document.components.schemas) } }, 'api');
  return (ref, value) => {
    const validate = ajv.getSchema(`api${ref}`);
    if (!validate) throw new Error(`the document has no ${ref}`);
    validate(value);
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
    );
  };
}

function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const inside = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  return 'properties' in inside && 'type' in inside ? { additionalProperties: false, ...inside } : inside;
}

export function operationsOf(document: Described): DescribedOperation[] {
  return Object.values(document.paths).flatMap((methods) => Object.values(methods));
}
