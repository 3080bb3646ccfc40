// Makes the calls that standard input lists, [{door, input}], and prints what each came to as JSON.
// GATEWAY_URL and API_KEY say where and who.

import { readFileSync } from 'node:fs';
import { NoAnswer, Refused, gatewayClient, makeCall, told } from './make_call.ts';
import type { MakeCallInput } from './generated/graphql.ts';
import { makeCall as makeCallByRest, type CallInput } from './rest.ts';

interface Asked {
  door: 'graphql' | 'rest';
  input: MakeCallInput & CallInput;
  idempotencyKey: string;
}

const { GATEWAY_URL: url = 'http://127.0.0.1:8080', API_KEY: apiKey = '' } = process.env;
const client = gatewayClient(url, apiKey);

async function answered({ door, input, idempotencyKey }: Asked): Promise<unknown> {
  if (door === 'rest') return makeCallByRest(url, apiKey, input, idempotencyKey);
  try {
    const result = await makeCall(client, { ...input, idempotencyKey }, { attempts: 3, longestWaitSeconds: 1 });
    return { ...result, told: told(result) };
  } catch (error) {
    if (error instanceof Refused) return { refused: error.code, callState: error.callState };
    if (error instanceof NoAnswer) return { noAnswer: error.idempotencyKey };
    throw error;
  }
}

const results: unknown[] = [];
for (const asked of JSON.parse(readFileSync(0, 'utf8')) as Asked[]) results.push(await answered(asked));
console.log(JSON.stringify(results));
