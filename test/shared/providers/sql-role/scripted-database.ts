import type { Database } from '../../../../shared/providers/sql-role/database.ts';
import type { Statement } from '../../../../shared/providers/sql-role/statements.ts';

/** Answers of one database, in order; an error is thrown. Keeps what was sent. */
export function scriptedDatabase(...answers: (unknown[][] | Error)[]): Database & { readonly sent: Statement[] } {
  const sent: Statement[] = [];
  return {
    sent,
    send(statement) {
      sent.push(statement);
      const answer = answers.shift();
      if (answer === undefined) throw new Error('the script has ended');
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  };
}

export const serverError = (number: number) => Object.assign(new Error('foreign text'), { number });
