/** A refusal in OAuth's words, with the number that Entra gives in its place (AADSTS…). */
export class OAuthError extends Error {
  readonly error: string;
  readonly number: number;
  readonly status: number;

  constructor(error: string, number: number, message: string, status = error === 'invalid_client' ? 401 : 400) {
    super(message);
    this.error = error;
    this.number = number;
    this.status = status;
  }

  get description(): string {
    return `AADSTS${this.number}: ${this.message}`;
  }

  toJSON(): Record<string, unknown> {
    const id = crypto.randomUUID();
    return {
      error: this.error,
      error_description: `${this.description} Trace ID: ${id}`,
      error_codes: [this.number],
      trace_id: id,
      correlation_id: id,
    };
  }
}

/** A refusal in Graph's words. */
export class GraphError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }

  toJSON(): Record<string, unknown> {
    return { error: { code: this.code, message: this.message, innerError: { 'request-id': crypto.randomUUID() } } };
  }
}
