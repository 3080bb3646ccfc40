// What to do next, for every code of the error catalogue (a test holds that none is missing).

const MAYBE = 'Nobody can say whether it rang. ';

export const ADVICE = {
  MALFORMED_REQUEST: 'The request could not be read as it was sent. Correct what the message names; nothing was dialled.',
  UNSUPPORTED_MEDIA_TYPE: 'Send the body as Content-Type: application/json, in UTF-8 and without a Content-Encoding.',
  NOT_ACCEPTABLE: 'Let the Accept header take application/json.',
  TOO_LARGE: 'Send a smaller body; a call needs no more than a few hundred bytes.',
  NOT_FOUND: 'Check the id. Records are kept for a time only, and each tenant sees its own.',
  METHOD_NOT_ALLOWED: 'Use one of the methods that the Allow header lists.',
  UNAUTHENTICATED: 'Paste a valid key at the top of this page. A demo key is good for one run of `gateway demo`; a token may have expired.',
  INSUFFICIENT_SCOPE: 'Use a token whose scope holds calls:make to make calls, calls:read to read them. API keys hold both.',
  TENANT_SUSPENDED: 'This tenant may read but not call. Ask the operators of the gateway.',
  INVALID_INPUT: 'Correct the named fields and send it again: nothing was placed.',
  DESTINATION_NOT_ALLOWED: "The tenant's policy does not allow this number or line. Choose another, or ask the operators to allow it.",
  CALLER_ID_NOT_ALLOWED: 'Leave the presented caller ID out, or present one that the tenant was granted.',
  OPTION_NOT_ALLOWED: 'Leave the named options out or lower them, or ask the operators to grant them to the tenant.',
  RATE_PLAN_FORBIDS: "The telephone company's rate plan forbids this call. Choose another number, or ask the telephone company.",
  IDEMPOTENCY_KEY_MISSING: 'This tenant must send an idempotency key with every call: give one.',
  IDEMPOTENCY_KEY_INVALID: 'A key is 1 to 255 visible ASCII characters: give another.',
  IDEMPOTENCY_KEY_REUSED: 'This key already stands for other input. Take a new key if you mean another call; restore the input if you mean the same one.',
  CALL_IN_PROGRESS: 'The first request with this key is still under way. Wait a moment, then retry with the same key: you will get its answer.',
  QUOTA_EXCEEDED: 'Wait until the quota has a unit again, then retry with the same key. Nothing was spent on any quota.',
  UPSTREAM_UNREACHABLE: 'No connection to the telephone system could be made and nothing was sent. Retry with the same key.',
  STORE_UNAVAILABLE: "The gateway's ledger can't be reached, so it makes no calls. Retry with the same key; tell the operators if it lasts.",
  OVERLOADED: 'Too many calls are on the wire. Retry with the same key in a moment.',
  CIRCUIT_OPEN: 'The gateway holds calls back after failures of the telephone system. Retry with the same key when the time is over.',
  DRAINING: 'This instance is going down. Retry with the same key: another one will answer.',
  PAUSED: 'The operators have paused all calls. Reading goes on; retry with the same key later.',
  UPSTREAM_CREDENTIALS_REJECTED: "The telephone system rejects the gateway's own credentials; nothing you send can change that. Tell the operators.",
  UPSTREAM_ROLE_FORBIDS: "The gateway's service user lacks the role to make calls. Tell the operators.",
  OUTCOME_UNKNOWN: `${MAYBE}Don't ask for it again with a new key: it may ring twice. Ask the people, or look at the record later; the operators can settle it.`,
  INTERNAL: 'The gateway has a defect. Tell the operators the request id below. If you ask for the call again, keep its key.',
};

/** Of answers that never came, or that are not the gateway's. */
export const DRY_ANSWER = 'No answer of the gateway came back. A dry run dials nothing: try it again.';
export const NOT_SENT = 'The browser could not send this: a header holds characters that no header can. Correct it; nothing was asked.';
export const NO_ANSWER = `No answer came back. ${MAYBE}Check the network, then retry with the same key: at most one call will be placed.`;
export const FOREIGN_ANSWER = `Something that is not the gateway answered, a proxy perhaps. ${MAYBE}Retry with the same key only.`;
export const UNSEEN = `A call was asked for in this tab and its answer was not seen. ${MAYBE}Retry with the same key: at most one call will be placed.`;
export const OTHER_KEY = 'Another API key asked for this. Paste that one again to retry: the key of another tenant would place another call.';

export const REQUESTED = 'The telephone system took the request: it rings the caller first, then the callee. Whether anybody answers is not told.';
export const TRANSLATED = 'Valid, and the policy allows it. Below is what would be sent; nothing was dialled or spent.';
