/** Status → the `code` Cosmos DB puts into an error's body. Closed: a status that isn't here is never answered. */
const codes = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  409: 'Conflict',
  412: 'PreconditionFailed',
  413: 'RequestEntityTooLarge',
  429: 'TooManyRequests',
  500: 'InternalServerError',
  501: 'NotImplemented',
} as const;

export type RefusalStatus = keyof typeof codes;

/** Thrown anywhere below the transport; becomes the answer `{code, message}`. */
export class Refusal extends Error {
  readonly status: RefusalStatus;
  readonly code: string;
  readonly substatus: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(status: RefusalStatus, message: string, more: { substatus?: number; retryAfterMs?: number } = {}) {
    super(message);
    this.status = status;
    this.code = codes[status];
    this.substatus = more.substatus;
    this.retryAfterMs = more.retryAfterMs;
  }

  static from(error: unknown): Refusal {
    return error instanceof Refusal ? error : new Refusal(500, error instanceof Error ? error.message : String(error));
  }
}

export const badRequest = (message: string) => new Refusal(400, message);
export const notFound = (what = 'Resource Not Found') => new Refusal(404, what, { substatus: 0 });
