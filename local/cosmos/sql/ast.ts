import type { Value } from '../json.ts';

export type Step = string | number;
export type Comparison = '=' | '!=' | '<' | '<=' | '>' | '>=';

export type Expression =
  | { kind: 'constant'; value: Value }
  | { kind: 'parameter'; name: string }
  | { kind: 'path'; steps: Step[] }
  | { kind: 'compare'; operator: Comparison; left: Expression; right: Expression }
  | { kind: 'and' | 'or'; left: Expression; right: Expression }
  | { kind: 'not'; operand: Expression }
  | { kind: 'in'; operand: Expression; list: Expression[] }
  | { kind: 'call'; name: string; args: Expression[] }
  | { kind: 'array'; items: Expression[] }
  | { kind: 'object'; entries: { name: string; value: Expression }[] };

export type Aggregate = 'COUNT' | 'MIN' | 'MAX' | 'SUM' | 'AVG';

export type Projection =
  | { kind: 'all' }
  | { kind: 'value'; of: Expression }
  | { kind: 'aggregate'; function: Aggregate; of: Expression }
  | { kind: 'columns'; columns: { name: string; of: Expression }[] };

export interface Query {
  projection: Projection;
  distinct: boolean;
  where: Expression | undefined;
  orderBy: { steps: Step[]; descending: boolean }[];
  top: Expression | undefined;
  offset: Expression | undefined;
  limit: Expression | undefined;
}
