// An answer of either door, read into one form: what it came to, in the words both doors share.

import { ADVICE, DRY_ANSWER, FOREIGN_ANSWER, NOT_SENT, NO_ANSWER, REQUESTED, TRANSLATED } from './advice.js';

const NOTHING = {
  kind: 'refused', title: '', detail: '', next: '', code: null, callState: null, retryable: false, retryAfterSeconds: null,
  problems: [], violated: [], call: null, callId: null, replayed: false, upstream: null,
};

/** What an answer of a door came to; `isDry`: it was asked dry, so nothing can have rung.
 * {kind, title, detail, next, code, callState, retryable, retryAfterSeconds, problems, violated, call, callId,
 * replayed, upstream}; `kind`: requested, translated, refused (certainly not placed) or unknown. */
export function read(door, answer, isDry = false) {
  const told = !answer.isSent ? unsent() : answer.status === 0 ? lost(NO_ANSWER) : door === 'rest' ? rest(answer) : graphql(answer);
  const found = isDry && told.kind === 'unknown' && !told.code ? { ...told, kind: 'refused', title: 'No answer', callState: null, next: DRY_ANSWER } : told;
  const replayed = answer.headers.get('Idempotent-Replayed') === 'true';
  const retryAfter = answer.headers.get('Retry-After');
  return {
    ...NOTHING,
    ...found,
    replayed,
    retryAfterSeconds: found.retryAfterSeconds ?? (retryAfter === null ? null : Number(retryAfter)),
  };
}

function lost(next) {
  return { kind: 'unknown', title: 'Outcome unknown', callState: 'UNKNOWN', retryable: true, next };
}

const unsent = () => ({ kind: 'refused', title: 'Not sent', next: NOT_SENT });

const requested = (call) => ({ kind: 'requested', title: 'Requested', next: REQUESTED, call, callId: call.id });
const translated = (upstream) => ({ kind: 'translated', title: 'Dry run: allowed', next: TRANSLATED, upstream });

function refused(code, detail, callState, rest) {
  const kind = callState === 'UNKNOWN' ? 'unknown' : 'refused';
  const title = kind === 'unknown' ? 'Outcome unknown' : 'Not placed';
  return { kind, title, code, detail, callState: callState ?? null, next: ADVICE[code] ?? '', ...rest };
}

function rest({ json }) {
  if (json?.upstreamRequest) return translated(json.upstreamRequest);
  if (typeof json?.id === 'string' && typeof json.status === 'string') return requested(json);
  if (!(json?.code in ADVICE)) return lost(FOREIGN_ANSWER);
  return refused(json.code, json.detail, json.callState, {
    retryable: json.retryable === true, problems: json.problems ?? [], violated: json['violated-policies'] ?? [], callId: json.callId ?? null,
  });
}

function graphql({ json }) {
  const result = json?.data?.makeCall;
  if (result?.call) return requested(result.call);
  if (result?.upstreamRequest) return translated(result.upstreamRequest);
  if (result) {
    return refused(result.code, result.message, result.callState, {
      retryable: result.retryable, problems: result.problems ?? [], violated: result.violatedPolicies ?? [],
      call: result.unknownCall ?? null, callId: result.unknownCall?.id ?? null,
      retryAfterSeconds: result.retryAfterSeconds ?? result.quotaRetryAfterSeconds ?? null,
    });
  }
  const error = json?.errors?.[0];
  if (!(error?.extensions?.code in ADVICE)) return lost(FOREIGN_ANSWER);
  const { code, callState, retryable } = error.extensions;
  return refused(code, error.message, callState, { retryable: retryable === true });
}

/** Words and advice for an error answer of the reading endpoints. */
export function readError(answer) {
  if (answer.status === 0) return 'The gateway could not be reached. Check the network and try again.';
  const { code, detail } = answer.json ?? {};
  return code in ADVICE ? `${detail} ${ADVICE[code]}` : 'Something that is not the gateway answered.';
}
