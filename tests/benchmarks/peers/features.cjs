// What all four peers share: who may ask, quotas, idempotency, translation, the call upstream, metrics,
// spans and log lines, each as its library's documentation says it is fastest.
'use strict';
const { readFileSync } = require('node:fs');
const { hash, randomUUID } = require('node:crypto');
const { join } = require('node:path');
const { Pool, errors } = require('undici');
const Ajv = require('ajv');
const pino = require('pino');
const prometheus = require('prom-client');
const { trace, SpanKind, SpanStatusCode, ROOT_CONTEXT } = require('@opentelemetry/api');
const { translated, outcomeOf, UNKNOWN } = require('./translation.cjs');

const { TRACING = 'off', UPSTREAM, UPSTREAM_USERNAME, UPSTREAM_PASSWORD } = process.env;
const MARGIN_SECONDS = 10;
const RETENTION_MS = 24 * 3_600_000;
const SCHEMA = join(__dirname, '..', '..', '..', 'schema');

// code: REST status, GraphQL member, retryable, callState
const ERRORS = {
  UNAUTHENTICATED: [401, null, false, 'NOT_PLACED'],
  INVALID_INPUT: [422, 'InvalidCallInput', false, 'NOT_PLACED'],
  RATE_PLAN_FORBIDS: [403, 'CallNotPermitted', false, 'NOT_PLACED'],
  IDEMPOTENCY_KEY_REUSED: [422, 'CallIdempotencyConflict', false, 'NOT_PLACED'],
  CALL_IN_PROGRESS: [409, 'CallIdempotencyConflict', true, 'UNKNOWN'],
  QUOTA_EXCEEDED: [429, 'CallQuotaExceeded', true, 'NOT_PLACED'],
  UPSTREAM_UNREACHABLE: [503, 'CallUpstreamUnavailable', true, 'NOT_PLACED'],
  UPSTREAM_CREDENTIALS_REJECTED: [502, 'CallUpstreamRefused', false, 'NOT_PLACED'],
  UPSTREAM_ROLE_FORBIDS: [502, 'CallUpstreamRefused', false, 'NOT_PLACED'],
  OUTCOME_UNKNOWN: [502, 'CallOutcomeUnknown', false, 'UNKNOWN'],
};

// ---- who may ask: {digest: {tenant, quotas: [{name, limit, seconds}]}}
const TENANTS = new Map(
  Object.entries(JSON.parse(process.env.TENANTS)).map(([digest, { tenant, quotas }]) => [
    digest,
    { name: tenant, quotas: quotas.map((quota) => ({ ...quota, began: 0, used: 0 })), keys: new Map() },
  ]),
);

/** The tenant of `Authorization: Bearer KEY`, or undefined. */
function authenticate(header) {
  return header?.startsWith('Bearer ') ? TENANTS.get(hash('sha256', header.slice(7), 'hex')) : undefined;
}

// ---- quotas: fixed windows, all decided together, so that a refusal spends nothing
function violated(quotas, nowSeconds) {
  const full = [];
  for (const quota of quotas) {
    const began = nowSeconds - (nowSeconds % quota.seconds);
    if (quota.began !== began) [quota.began, quota.used] = [began, 0];
    if (quota.used >= quota.limit) full.push(quota);
  }
  if (full.length === 0) for (const quota of quotas) quota.used += 1;
  return full;
}

// ---- idempotency: a Map in the order of arrival, so that the oldest are found first
setInterval(() => {
  const old = Date.now() - RETENTION_MS;
  for (const { keys } of TENANTS.values()) {
    for (const [key, entry] of keys) {
      if (entry.at > old) break;
      keys.delete(key);
    }
  }
}, 60_000).unref();

// ---- input: the project's own JSON Schema of a call
const openapi = JSON.parse(readFileSync(join(SCHEMA, 'openapi.json'), 'utf8').replaceAll('#/components/schemas/', '#/definitions/'));
const definitions = openapi.components.schemas;
const callInput = { ...definitions.CallInput, definitions };
const callOutput = { ...definitions.Call, definitions };
const AJV_OPTIONS = { strict: false, coerceTypes: false, removeAdditional: false, useDefaults: false };
const isValidInput = new Ajv({ ...AJV_OPTIONS }).compile(callInput);
const typeDefs = readFileSync(join(SCHEMA, 'schema.graphql'), 'utf8');

// ---- telemetry
const log = pino({ base: undefined }, pino.destination({ sync: false, minLength: 4096 }));
const registry = new prometheus.Registry();
prometheus.collectDefaultMetrics({ register: registry });
const buckets = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 15, 30, 60];
const serverSeconds = new prometheus.Histogram({
  name: 'http_server_request_duration_seconds', help: 'Requests.', buckets, registers: [registry],
  labelNames: ['http_request_method', 'http_route', 'http_response_status_code'],
});
const clientSeconds = new prometheus.Histogram({
  name: 'http_client_request_duration_seconds', help: 'Upstream calls.', buckets, registers: [registry],
  labelNames: ['http_request_method', 'http_response_status_code', 'legacy_code'],
});
const calls = new prometheus.Counter({
  name: 'gateway_calls_total', help: 'Calls by outcome.', labelNames: ['door', 'outcome'], registers: [registry],
});
const tracer = trace.getTracer('peer');
const byHand = TRACING === 'hand';

/** What is known of one request; `finish` tells it. */
function begin(door, method, route) {
  const span = byHand
    ? tracer.startSpan(`${method} ${route}`, { kind: SpanKind.SERVER, attributes: { 'http.request.method': method, 'http.route': route } }, ROOT_CONTEXT)
    : trace.getActiveSpan();
  return { door, method, route, span, began: performance.now(), id: randomUUID(), tenant: undefined, outcome: 'none', call: null, replayed: false, upstreamSeconds: 0 };
}

function finish(exchange, status) {
  const seconds = (performance.now() - exchange.began) / 1000;
  const { door, method, route, span, tenant, outcome, call, replayed } = exchange;
  serverSeconds.observe({ http_request_method: method, http_route: route, http_response_status_code: status }, seconds);
  calls.inc({ door, outcome });
  const context = span?.spanContext();
  if (span?.isRecording()) {
    span.setAttributes({ 'http.response.status_code': status, 'gateway.door': door, 'gateway.outcome': outcome, 'gateway.tenant': tenant?.name ?? '' });
    if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    if (byHand) span.end();
  }
  log.info({
    event: 'request', door, method, route, status, tenant: tenant?.name, outcome, request_id: exchange.id,
    trace_id: context?.traceId, span_id: context?.spanId, duration_seconds: seconds, call_id: call?.id, replayed,
    caller_number: masked(call?.callerNumber), callee_number: masked(call?.calleeNumber), upstream_seconds: exchange.upstreamSeconds,
  });
}

const masked = (number) => number?.slice(-2).padStart(number.length, '*');

// ---- the call upstream
const pool = new Pool(UPSTREAM, { connections: 512, pipelining: 1 });
const CREDENTIALS = `auth_username=${encodeURIComponent(UPSTREAM_USERNAME)};auth_password=${encodeURIComponent(UPSTREAM_PASSWORD)}`;

async function dial(query, waitSeconds, exchange) {
  const began = performance.now();
  const span = byHand
    ? tracer.startSpan('GET /calls/make/', { kind: SpanKind.CLIENT, attributes: { 'http.request.method': 'GET', 'url.template': '/calls/make/' } }, trace.setSpan(ROOT_CONTEXT, exchange.span))
    : undefined;
  const timeout = (waitSeconds + MARGIN_SECONDS) * 1000;
  let outcome = UNKNOWN;
  let status = 0;
  try {
    const answer = await pool.request({
      method: 'GET', path: `/api/json/calls/make/?${CREDENTIALS}${query}`, headersTimeout: timeout, bodyTimeout: timeout,
    });
    status = answer.statusCode;
    outcome = outcomeOf(status, await answer.body.text());
  } catch (error) {
    if (error.code === 'ECONNREFUSED' || error instanceof errors.ConnectTimeoutError) {
      outcome = { status: 'NOT_PLACED', code: 'UPSTREAM_UNREACHABLE', reference: null };
    }
  }
  exchange.upstreamSeconds = (performance.now() - began) / 1000;
  clientSeconds.observe({ http_request_method: 'GET', http_response_status_code: status, legacy_code: outcome.code ?? '204' }, exchange.upstreamSeconds);
  if (span !== undefined) {
    span.setAttribute('http.response.status_code', status);
    span.end();
  }
  return outcome;
}

// ---- the use case of both doors

/** What became of a call request: `{code}` of an error, or `{call, replayed}`. Input is valid already. */
async function placeCall(tenant, key, input, exchange) {
  const query = translated(input);
  const fingerprint = key === undefined ? undefined : hash('sha256', query, 'base64');
  const known = key === undefined ? undefined : tenant.keys.get(key);
  if (known !== undefined) {
    if (known.fingerprint !== fingerprint) return told(exchange, { code: 'IDEMPOTENCY_KEY_REUSED' });
    if (known.result === undefined) return told(exchange, { code: 'CALL_IN_PROGRESS' });
    return told(exchange, { ...known.result, replayed: true });
  }
  const now = Date.now();
  const full = violated(tenant.quotas, Math.floor(now / 1000));
  if (full.length > 0) return told(exchange, { code: 'QUOTA_EXCEEDED', violated: full.map((quota) => quota.name) });
  const entry = { fingerprint, at: now, result: undefined };
  if (key !== undefined) tenant.keys.set(key, entry);
  const outcome = await dial(query, input.waitSeconds ?? 0, exchange);
  if (outcome.status === 'NOT_PLACED' || outcome.status === 'REJECTED') for (const quota of tenant.quotas) quota.used -= 1;
  const call = {
    id: randomUUID(), ...outcome, requestedAt: new Date(now).toISOString(), settledAt: new Date().toISOString(),
    clientReference: input.clientReference ?? null, callerNumber: input.caller.number, calleeNumber: input.callee.number,
  };
  entry.result = { code: outcome.code ?? undefined, call, replayed: false };
  return told(exchange, entry.result);
}

function told(exchange, result) {
  exchange.call = result.call ?? null;
  exchange.replayed = result.replayed ?? false;
  exchange.outcome = result.code?.toLowerCase() ?? (result.replayed ? 'replayed' : 'requested');
  return result;
}

/** The members that REST problems and GraphQL errors share. */
function problem(code, exchange) {
  const [, , retryable, callState] = ERRORS[code];
  return { code, message: code, retryable, callState, requestId: exchange.id };
}

/** The GraphQL resolvers; a context is `{tenant, key, exchange}`. */
const resolvers = {
  Mutation: {
    async makeCall(_root, { input }, { tenant, key, exchange }) {
      const { idempotencyKey, ...call } = input;
      if (!isValidInput(call)) {
        exchange.outcome = 'invalid_input';
        const problems = isValidInput.errors.map((e) => ({ pointer: e.instancePath, code: 'INVALID_INPUT', detail: e.message }));
        return { __typename: 'InvalidCallInput', ...problem('INVALID_INPUT', exchange), problems };
      }
      const result = await placeCall(tenant, idempotencyKey ?? key, call, exchange);
      if (result.code === undefined) return { __typename: 'CallRequested', call: result.call, replayed: result.replayed };
      const [, member] = ERRORS[result.code];
      return {
        __typename: member, ...problem(result.code, exchange), call: result.call ?? null, problems: [],
        violatedPolicies: result.violated ?? [], retryAfterSeconds: 1,
      };
    },
  },
};

module.exports = { AJV_OPTIONS, ERRORS, authenticate, begin, callInput, callOutput, finish, placeCall, problem, registry, resolvers, typeDefs };
