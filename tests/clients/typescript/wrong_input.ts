// What must not compile: each line that ends in `// wrong` is an error, and no other line is.

import type { MakeCallInput } from './generated/graphql.ts';
import type { Result } from './make_call.ts';
import type { CallInput } from './rest.ts';

const caller = { number: '1' };
const callee = { number: '2' };

export const right: MakeCallInput = { caller, callee, waitSeconds: 5 };
export const noCallee: MakeCallInput = { caller }; // wrong
export const noNumber: MakeCallInput = { caller: {}, callee }; // wrong
export const numberAsNumber: MakeCallInput = { caller: { number: 1 }, callee }; // wrong
export const misspelt: MakeCallInput = { caller, callee, waitSecond: 5 }; // wrong
export const noSuchType: MakeCallInput = { caller: { number: '1', type: 'PHONE' }, callee }; // wrong
export const waitAsText: MakeCallInput = { caller, callee, waitSeconds: '5' }; // wrong

export const rightByRest: CallInput = { caller, callee, waitSeconds: 5 };
export const noCalleeByRest: CallInput = { caller }; // wrong
export const misspeltByRest: CallInput = { caller, callee, waitSecond: 5 }; // wrong
export const noSuchTypeByRest: CallInput = { caller: { number: '1', type: 'PHONE' }, callee }; // wrong
export const flagAsTextByRest: CallInput = { caller, callee, dryRun: 'yes' }; // wrong

export function unasked(result: Result): string {
  return result.call.id; // wrong
}
