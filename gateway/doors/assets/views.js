// How records and quotas look.

import { el, facts, moment, span } from './kit.js';

const STATUS = {
  IN_PROGRESS: 'In progress', REQUESTED: 'Requested', REJECTED: 'Rejected', NOT_PLACED: 'Not placed', UNKNOWN: 'Unknown',
};

/** A record's status as a small badge. */
export function chip(status) {
  return el('span', { class: `chip s-${status.toLowerCase().replace('_', '-')}`, text: STATUS[status] ?? status });
}

const code = (text) => (text === null || text === undefined ? null : el('code', { text: String(text) }));

function reference(found) {
  if (!found) return 'not told';
  const parts = [['Machine', found.machine], ['Server', found.server], ['Call', found.callId]];
  return el('span', {}, ...parts.map(([name, value]) => el('span', { class: 'part' }, `${name} `, code(value ?? 'unknown'))));
}

/** A call object as facts. */
export function recordFacts(call) {
  return facts([
    ['Status', chip(call.status)],
    ['Call id', code(call.id)],
    ['Caller', code(call.callerNumber)],
    ['Callee', code(call.calleeNumber)],
    ['Reference', reference(call.reference)],
    ['Code', code(call.code)],
    ['Requested', moment(call.requestedAt)],
    ['Settled', moment(call.settledAt)],
    ['Client reference', call.clientReference],
  ]);
}

/** One quota as a meter with words. */
export function quotaMeter(quota) {
  const period = quota.per === 'concurrent' ? 'at the same time' : `per ${quota.per}`;
  const whose = { tenant: '', user: ', this key', callee: ', each callee' }[quota.scope];
  const title = el('span', { class: 'quota-name', text: quota.name });
  const rule = el('span', { class: 'help', text: `${quota.limit} ${period}${whose}` });
  if (quota.remaining === null) return el('li', {}, el('div', { class: 'quota-head' }, title, rule), el('p', { class: 'help', text: 'Counted for each callee; no single number stands for it.' }));
  const full = Math.max(quota.limit, quota.remaining);
  const share = full ? quota.remaining / full : 0;
  const left = quota.per === 'concurrent' ? `${quota.inUse ?? 0} in use, ${quota.remaining} free` : `${quota.remaining} left`;
  const bar = el('div', {
    role: 'meter', class: `meter ${share === 0 ? 'spent' : share < 0.2 ? 'low' : ''}`, 'aria-label': `${quota.name}: units left`, 'aria-valuemin': 0,
    'aria-valuemax': full, 'aria-valuenow': quota.remaining, 'aria-valuetext': left,
  }, el('div', { class: 'fill' }));
  bar.firstChild.style.width = `${share * 100}%`;
  const reset = quota.resetSeconds ? `, one more in ${span(quota.resetSeconds)}` : '';
  return el('li', {}, el('div', { class: 'quota-head' }, title, rule), bar, el('p', { class: 'help', text: left + reset }));
}
