// The same through REST, with types from the OpenAPI document.

import createClient from 'openapi-fetch';
import type { components, paths } from './generated/rest.ts';

export type CallInput = components['schemas']['CallInput'];
export type Call = components['schemas']['Call'];
export type Problem = components['schemas']['Problem'];

export type Answer =
  | { kind: 'requested'; call: Call }
  | { kind: 'translated'; query: string | null }
  | { kind: 'refused'; problem: Problem };

export async function makeCall(url: string, apiKey: string, input: CallInput, idempotencyKey: string): Promise<Answer> {
  const client = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${apiKey}` } });
  const { data, error } = await client.POST('/v1/calls', {
    body: input,
    params: { header: { 'Idempotency-Key': idempotencyKey } },
  });
  if (error !== undefined) return { kind: 'refused', problem: error };
  if ('upstreamRequest' in data) return { kind: 'translated', query: data.upstreamRequest.query };
  return { kind: 'requested', call: data };
}
