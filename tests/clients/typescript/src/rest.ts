// The same through REST, with types from the OpenAPI document. One attempt: `kind` says what another may do.

import createClient from 'openapi-fetch';
import type { components, paths } from './generated/rest.ts';

export type CallInput = components['schemas']['CallInput'];
export type Call = components['schemas']['Call'];
export type Problem = components['schemas']['Problem'];

export type Answer =
  | { kind: 'requested'; call: Call; replayed: boolean }
  | { kind: 'translated'; query: string | null }
  /** Certainly not placed. */
  | { kind: 'refused'; problem: Problem }
  /** It may have been placed: ask with the same key only. `problem` is null where not even the gateway answered. */
  | { kind: 'unknown'; idempotencyKey: string; detail: string; problem: Problem | null };

export async function makeCall(url: string, apiKey: string, input: CallInput, idempotencyKey: string): Promise<Answer> {
  const client = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${apiKey}` } });
  const unknown = (detail: string, problem: Problem | null = null): Answer => ({ kind: 'unknown', idempotencyKey, detail, problem });
  try {
    const { data, error, response } = await client.POST('/v1/calls', {
      body: input,
      params: { header: { 'Idempotency-Key': idempotencyKey } },
      signal: AbortSignal.timeout(60_000),
    });
    if (isObject(data) && 'upstreamRequest' in data) return { kind: 'translated', query: data.upstreamRequest.query };
    if (isObject(data) && 'id' in data) return { kind: 'requested', call: data, replayed: response.headers.has('Idempotent-Replayed') };
    if (!isProblem(error)) return unknown(`HTTP ${response.status}, not of the gateway`);
    return error.callState === 'NOT_PLACED' ? { kind: 'refused', problem: error } : unknown(error.detail, error);
  } catch (fault) { // a connection that broke, a time that ran out, a text in place of JSON
    return unknown(`no answer of the gateway: ${String(fault)}`);
  }
}

// The types say what the gateway answers. A proxy between us answers what it likes, so what came is looked at.
const isObject = <Found>(found: Found): found is Found & object => typeof found === 'object' && found !== null;

const isProblem = (found: unknown): found is Problem =>
  isObject(found) && 'code' in found && typeof found.code === 'string' && 'detail' in found && typeof found.detail === 'string';
