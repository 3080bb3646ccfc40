// Making a call through GraphQL, with types from the schema and a retry that can never ring twice.
// It needs nothing of Node.js: a page (over HTTPS, for its randomUUID) can have it as it is.

import { Client, fetchExchange } from '@urql/core';
import { MakeCallDocument, type MakeCallInput, type MakeCallMutation } from './generated/graphql.ts';

export type Result = MakeCallMutation['makeCall'];

/** No answer of the gateway came, however often it was asked: the call may have been placed. */
export class NoAnswer extends Error {
  readonly idempotencyKey: string;

  constructor(idempotencyKey: string, cause: unknown) {
    super('no answer came; the call may have been placed: retry with the same key only', { cause });
    this.idempotencyKey = idempotencyKey;
  }
}

/** The request itself was refused: the key, the document, or a defect. */
export class Refused extends Error {
  readonly code: string;
  readonly callState: string;

  constructor(message: string, code: string, callState: string) {
    super(message);
    this.code = code;
    this.callState = callState;
  }
}

export function gatewayClient(url: string, apiKey: string): Client {
  return new Client({
    url: `${url}/graphql`,
    exchanges: [fetchExchange], // no retry exchange: it would not know what may be retried
    preferGetMethod: false,
    fetchOptions: () => ({ headers: { Authorization: `Bearer ${apiKey}` }, signal: AbortSignal.timeout(60_000) }),
  });
}

export interface Patience {
  attempts: number;
  /** Longer waits than this are the caller's to decide: a daily quota is not waited for. */
  longestWaitSeconds: number;
}

/**
 * Make one call. The key stands for this one intent and is the same at every attempt, so whatever happened to an
 * earlier attempt, at most one call is placed. Retried are lost answers, and what the gateway calls retryable.
 */
export async function makeCall(
  client: Client,
  input: MakeCallInput,
  patience: Patience = { attempts: 4, longestWaitSeconds: 10 },
): Promise<Result> {
  const idempotencyKey = input.idempotencyKey ?? crypto.randomUUID();
  for (let attempt = 1; ; attempt += 1) {
    const isLast = attempt >= patience.attempts;
    const { data, error } = await client.mutation(MakeCallDocument, { input: { ...input, idempotencyKey } });
    const result = data?.makeCall;
    if (result === undefined) {
      const told = error?.graphQLErrors[0];
      const { code, callState } = told?.extensions ?? {};
      if (told !== undefined && typeof code === 'string') throw new Refused(told.message, code, String(callState));
      if (isLast) throw new NoAnswer(idempotencyKey, error);
      await sleep(2 ** attempt * 100);
      continue;
    }
    const wait = waitSeconds(result);
    if (wait === null || isLast || wait > patience.longestWaitSeconds) return result;
    await sleep(wait * 1000);
  }
}

const sleep = (milliseconds: number) => new Promise<void>((done) => { setTimeout(done, milliseconds); });

/** Seconds after which the same request may come to something else; null where it will not. */
export function waitSeconds(result: Result): number | null {
  switch (result.__typename) {
    case 'CallQuotaExceeded':
      return result.quotaRetryAfterSeconds;
    case 'CallIdempotencyConflict': // in progress: retryable; the key of other input: not
    case 'CallUpstreamUnavailable':
      return result.retryable ? (result.retryAfterSeconds ?? 1) : null;
    case 'CallRequested':
    case 'CallTranslated':
    case 'InvalidCallInput':
    case 'CallNotPermitted':
    case 'CallUpstreamRefused':
    case 'CallOutcomeUnknown': // it may have rung: never again
      return null;
    default:
      return unheardOf(result);
  }
}

/** One sentence for the person who asked. */
export function told(result: Result): string {
  switch (result.__typename) {
    case 'CallRequested':
      return `${result.replayed ? 'Asked before' : 'Requested'}: ${result.call.callerNumber} is rung, then ${result.call.calleeNumber}.`;
    case 'CallTranslated':
      return `Would send ${result.upstreamRequest.method} ${result.upstreamRequest.path}?${result.upstreamRequest.query ?? ''}`;
    case 'InvalidCallInput':
    case 'CallNotPermitted':
      return [result.message, ...result.problems.map(({ pointer, detail }) => `${pointer} ${detail}`)].join(' ');
    case 'CallQuotaExceeded':
      return `No more calls for now (${result.violatedPolicies.join(', ')}); again in ${result.quotaRetryAfterSeconds} s.`;
    case 'CallIdempotencyConflict':
    case 'CallUpstreamUnavailable':
    case 'CallUpstreamRefused':
      return result.message;
    case 'CallOutcomeUnknown':
      return `Nobody knows whether it rang (call ${result.unknownCall?.id ?? 'not recorded'}). ${result.message}`;
    default:
      return unheardOf(result);
  }
}

/** A member that the schema gains is an error of compilation here until somebody decides what it means. */
function unheardOf(result: never): never {
  throw new Error(`unheard of: ${JSON.stringify(result)}`);
}
