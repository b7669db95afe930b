/** An error that goes to the client as an ERROR token, with the number that Azure SQL would use. */
export class SqlError extends Error {
  readonly number: number;
  readonly severity: number;
  readonly state: number;
  /** What was refused, for the audit. */
  object?: string;

  constructor(number: number, message: string, severity = 16, state = 1) {
    super(message);
    this.name = 'SqlError';
    this.number = number;
    this.severity = severity;
    this.state = state;
  }
}

/** Severity 20 and above ends the connection. */
export const isFatal = (error: SqlError) => error.severity >= 20;

// After these the rest of the batch doesn't run, whatever XACT_ABORT says; after any other the next statement does.
const BATCH_ABORTING = new Set([208, 207, 209, 241, 245, 596, 916, 1205, 2812, 3621, 8114, 8115, 50000]);
export const abortsBatch = (error: SqlError) => BATCH_ABORTING.has(error.number) || isFatal(error);

export const syntaxError = (near: string) => new SqlError(102, `Incorrect syntax near '${near}'.`, 15);

export const unsupported = (what: string) =>
  new SqlError(40517, `Keyword or statement option '${what}' is not supported in this version of SQL Server.`);

/** SQL Server says the same of what is absent and of what one may not touch, so as not to tell which. */
export const missingOrForbidden = (action: string, kind: string, name: string) =>
  new SqlError(
    15151,
    `Cannot ${action} the ${kind} '${name}', because it does not exist or you do not have permission.`,
  );

export const notPermitted = () => new SqlError(15247, 'User does not have permission to perform this action.');

export function denied(permission: string, object: string, database: string, schema: string): SqlError {
  const message = `The ${permission} permission was denied on the object '${object}', database '${database}', schema '${schema}'.`;
  const error = new SqlError(229, message, 14, 5);
  error.object = `${schema}.${object}`;
  return error;
}

export const loginFailed = (name: string) => new SqlError(18456, `Login failed for user '${name}'.`, 14);

export const sessionKilled = () =>
  new SqlError(596, 'Cannot continue the execution because the session is in the kill state.', 21);
