// From a call to the vendor's query. Credentials come first, `stype` and `ctype` are always sent, and a
// parameter at its legacy default is left out.
'use strict';
const flag = (value) => (value ? '1' : '0');
const text = (value) => String(value ?? '');

// legacy name, how it is read, its legacy default, how it is written
const ROWS = [
  ['stype', (c) => (c.caller.type === 'LINE' ? 'phone' : ''), undefined, text],
  ['snumber', (c) => c.caller.number, undefined, text],
  ['ctype', (c) => c.callee.type ?? '', undefined, text],
  ['cnumber', (c) => c.callee.number, undefined, text],
  ['cdialplan', (c) => (c.callee.dialPlan === 'AUTO' ? 'auto' : ''), '', text],
  ['card', (c) => c.billing?.card ?? '', '', text],
  ['customer', (c) => c.billing?.customerId ?? '', '', text],
  ['answer1', (c) => c.caller.autoAnswer ?? false, false, flag],
  ['answer2', (c) => c.callee.autoAnswer ?? false, false, flag],
  ['callerid1', (c) => c.caller.presentedCallerId ?? '', '', text],
  ['callerid2', (c) => c.callee.presentedCallerId ?? '', '', text],
  ['recordgroup', (c) => c.recordingGroupId ?? '', '', text],
  ['screen1', (c) => c.caller.screening ?? false, false, flag],
  ['screen2', (c) => c.callee.screening ?? false, false, flag],
  ['warn1', (c) => c.caller.cutoffWarning ?? true, true, flag],
  ['warn2', (c) => c.callee.cutoffWarning ?? true, true, flag],
  ['delay', (c) => c.delaySeconds ?? 0, 0, text],
  ['wait', (c) => c.waitSeconds ?? 0, 0, text],
  ['noforwards', (c) => c.suppressForwarding ?? false, false, flag],
];

/** The call's own parameters, encoded and joined. */
function translated(call) {
  let query = '';
  for (const [name, read, fallback, write] of ROWS) {
    const value = read(call);
    if (value !== fallback) query += `;${name}=${encodeURIComponent(write(value))}`;
  }
  return query;
}

const REFUSALS = { 400: 'INVALID_INPUT', 401: 'UPSTREAM_CREDENTIALS_REJECTED', 402: 'UPSTREAM_ROLE_FORBIDS', 403: 'RATE_PLAN_FORBIDS' };
const UNKNOWN = { status: 'UNKNOWN', code: 'OUTCOME_UNKNOWN', reference: null };

/** The outcome that an answer's body tells; what is not a documented answer is unknown. */
function outcomeOf(httpStatus, body) {
  let answer;
  try {
    answer = JSON.parse(body);
  } catch {
    return UNKNOWN;
  }
  const entries = answer?.responses;
  if (httpStatus !== 200 || !Array.isArray(entries) || entries.length !== 1) return UNKNOWN;
  const { code, data } = entries[0];
  if (code === '204') return { status: 'REQUESTED', code: null, reference: null };
  if (code === '200') {
    const { machine = null, server = null, callid = null } = data ?? {};
    const reference = data ? { machine: machine === null ? null : Number(machine), server, callId: callid } : null;
    return { status: 'REQUESTED', code: null, reference };
  }
  return code in REFUSALS ? { status: 'REJECTED', code: REFUSALS[code], reference: null } : UNKNOWN;
}

module.exports = { translated, outcomeOf, UNKNOWN };
