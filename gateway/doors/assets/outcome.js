// The outcome of one request: a banner in words, what to do next, and everything that helps to trace it.

import { OTHER_KEY, UNSEEN } from './advice.js';
import { codeBlock, el, facts, span } from './kit.js';
import { chip, recordFacts } from './views.js';

const MARKS = { requested: '✓', translated: '≡', refused: '✕', unknown: '?' };

/** Show a result of `answers.read`. `retry` asks again with the same key; `look(id)` gives a record as it stands. */
export function showOutcome(place, result, answer, { retry, look }) {
  place.replaceChildren(
    banner(result),
    ...problems(result),
    ...actions(result, retry, look),
    ...(result.call ? [el('h3', { text: 'Record' }), recordFacts(result.call)] : []),
    ...(result.upstream ? upstream(result.upstream) : []),
    el('h3', { text: 'Trace' }),
    trace(result, answer),
    raw(answer),
  );
}

/** Show requests whose answers never came to be seen, each with its retry; where there are none, that there are none. */
export function showOpen(place, requests, retry) {
  if (!requests.length) {
    place.replaceChildren(el('p', { class: 'empty', text: 'Nothing asked yet. What the gateway answers will be told here.' }));
    return;
  }
  const told = banner({ kind: 'unknown', title: 'Outcome unknown', detail: '', next: UNSEEN });
  told.classList.add('offer');
  place.replaceChildren(told, ...requests.map((request) => el('div', { class: 'actions' },
    el('code', { text: `${request.input.caller.number} → ${request.input.callee.number}` }), retryButton(0, () => retry(request)))));
}

function banner({ kind, title, detail, next, replayed }) {
  return el('div', { class: `banner ${kind}` },
    el('h3', {}, el('span', { class: 'mark', 'aria-hidden': 'true', text: MARKS[kind] }), el('span', { text: title }),
      replayed ? el('span', { class: 'chip', text: 'Replayed' }) : null),
    replayed ? el('p', { text: 'This is the first answer of this key, given again. Nothing was dialled now.' }) : null,
    detail ? el('p', { text: detail }) : null,
    next ? el('p', { class: 'next' }, el('strong', { text: kind === 'requested' || kind === 'translated' ? '' : 'What to do: ' }), next) : null);
}

function problems({ problems: found, violated }) {
  const parts = [];
  if (found.length) {
    parts.push(el('ul', { class: 'problems' }, ...found.map(({ pointer, detail }) => el('li', {}, el('code', { text: pointer || '/' }), ` ${detail}`))));
  }
  if (violated.length) parts.push(el('p', {}, 'Exhausted: ', ...violated.flatMap((name, i) => [i ? ', ' : '', el('code', { text: name })])));
  return parts;
}

function actions({ kind, retryable, retryAfterSeconds, callId }, retry, look) {
  const buttons = [];
  if (retryable) buttons.push(retryButton(retryAfterSeconds ?? 0, retry), el('p', { class: 'help other-key', text: OTHER_KEY }));
  if (kind === 'unknown' && callId) {
    const seen = el('div', { 'aria-live': 'polite' });
    buttons.push(el('button', { type: 'button', text: 'Look at the record', on: { click: async () => seen.replaceChildren(await look(callId)) } }), seen);
  }
  return buttons.length ? [el('div', { class: 'actions' }, ...buttons)] : [];
}

/** A button that counts down to when a retry may help. */
function retryButton(seconds, retry) {
  const button = el('button', { type: 'button', class: 'retry' });
  const due = Date.now() + seconds * 1000;
  const tell = () => {
    const left = Math.ceil((due - Date.now()) / 1000);
    button.textContent = left > 0 ? `Retry with the same key in ${span(left)}` : 'Retry with the same key';
    button.setAttribute('aria-disabled', String(left > 0));
    if (left > 0) setTimeout(tell, 250);
  };
  tell();
  button.addEventListener('click', () => { if (button.getAttribute('aria-disabled') === 'false') retry(); });
  return button;
}

function upstream({ method, path, query, body }) {
  const pairs = (query ?? body ?? '').split(/[;&]/).filter(Boolean).map((pair) => pair.split('='));
  const rows = pairs.map(([name, value = '']) => el('tr', {}, el('th', { scope: 'row' }, el('code', { text: name })), el('td', {}, value ? el('code', { text: readable(value) }) : el('em', { class: 'help', text: 'empty' }))));
  const text = `${method} ${path}${query ? `?${query}` : ''}${body ? `\n\n${body}` : ''}`;
  return [
    el('h3', { text: 'Upstream request' }),
    el('div', { class: 'wrapped' }, codeBlock(text, 'shell', 'Upstream request')),
    el('table', { class: 'plain-table' }, el('caption', { class: 'unseen', text: 'Parameters as the telephone system reads them' }),
      el('thead', {}, el('tr', {}, el('th', { scope: 'col', text: 'Parameter' }), el('th', { scope: 'col', text: 'Value' }))), el('tbody', {}, ...rows)),
  ];
}

function readable(value) {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function trace(result, answer) {
  const code = (text) => (text ? el('code', { text }) : null);
  return facts([
    ['HTTP status', answer.status ? String(answer.status) : 'none'],
    ['Code', code(result.code)],
    ['Call state', result.callState ? chip(result.callState) : null],
    ['Request id', code(answer.headers.get('X-Request-ID'))],
    ['Trace id', code(answer.traceId)],
    ['Call id', result.call ? null : code(result.callId)],
    ['Took', `${answer.seconds.toFixed(2)} s`],
  ]);
}

function raw(answer) {
  if (!answer.text) return '';
  const text = answer.json ? JSON.stringify(answer.json, null, 2) : answer.text;
  return el('details', { class: 'more' }, el('summary', { text: 'The answer as it came' }), codeBlock(text, 'json', 'The answer as it came'));
}
