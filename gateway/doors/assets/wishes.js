// What this tab asked for and with which idempotency keys. It outlives a reload, for whoever fills in the same call
// again must get the same key: another one would be a second call.

const PLACE = 'gateway.wishes';

// Answers that the gateway keeps, and gives again for the same key without dialling.
const KEPT = new Set(['OUTCOME_UNKNOWN', 'RATE_PLAN_FORBIDS']);
// Answers after which the call may still be under way, or may have been placed.
const OPEN = new Set([null, 'CALL_IN_PROGRESS', 'INTERNAL']);

/** A number that tells one API key from another, and from which nobody can make the key. */
export function markOf(key) {
  return [...key].reduce((sum, letter) => Math.imul(sum ^ letter.codePointAt(0), 0x01000193) >>> 0, 0x811c9dc5);
}

/** The idempotency key that a text stands for: in a header a quoted string and the bare one are one key, in GraphQL
 * the quotes would belong to it. So they are taken off before either door hears of it. */
export function keyOf(text) {
  const given = text.trim();
  return /^".*"$/.test(given) ? given.slice(1, -1).replace(/\\(["\\])/g, '$1') : given;
}

/** Whether both doors take it for the same key. */
export const isKey = (key) => /^(?!")[\x21-\x7e]{1,255}$/.test(key);

/** By the JSON of its input, each wish asked for: {through, key, who, state, before}. `who` is `markOf` the API key,
 * `state` is open (its answer was not seen), kept (the gateway answers it without dialling) or free (refused). */
export class Wishes {
  constructor() {
    this.asked = new Map(stored());
  }

  get(text) {
    return this.asked.get(text);
  }

  forget(text) {
    this.asked.delete(text);
    this.keep();
  }

  /** A request is about to leave. */
  ask({ through, input, key, who }) {
    const text = JSON.stringify(input);
    const wish = this.asked.get(text);
    const before = wish?.key === key && wish.who === who ? wish.state : 'free';
    this.asked.delete(text); // the newest stands last
    this.asked.set(text, { through, key, who, state: before === 'kept' ? 'kept' : 'open', before });
    this.keep();
  }

  /** Its answer, as `answers.read` gives it. What is kept stays so, whatever refuses a later request with its key. */
  hear({ input, key, who }, { kind, code, callState, callId, replayed }) {
    const wish = this.asked.get(JSON.stringify(input));
    if (wish?.key !== key || wish.who !== who || wish.state === 'kept') return;
    if (kind === 'requested' || replayed || KEPT.has(code) || (code === 'INVALID_INPUT' && callId)) wish.state = 'kept';
    else if (callState !== 'UNKNOWN') wish.state = 'free';
    else if (!OPEN.has(code)) wish.state = wish.before; // refused before the key was looked at
    this.keep();
  }

  /** The requests whose answers were not seen, of one API key; the newest first. */
  open(who) {
    const found = [...this.asked].filter(([, wish]) => wish.who === who && wish.state === 'open');
    return found.reverse().map(([text, { through, key }]) => ({ through, key, who, input: JSON.parse(text) }));
  }

  keep() {
    try {
      sessionStorage.setItem(PLACE, JSON.stringify([...this.asked]));
    } catch {
      // this page remembers, the next can't
    }
  }
}

function stored() {
  try {
    return JSON.parse(sessionStorage.getItem(PLACE)) ?? [];
  } catch {
    return [];
  }
}
