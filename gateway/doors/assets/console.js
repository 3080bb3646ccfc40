// The console: fill in a call, see it as code, make it, and watch what it came to.

import { apiKey, ask, byId, codeBlock, el, moment, mountKey, randomHex, shortMoment, tabbed } from './kit.js';
import { CallForm } from './call_form.js';
import { graphqlBody, snippets } from './snippets.js';
import { read, readError } from './answers.js';
import { showOpen, showOutcome } from './outcome.js';
import { chip, quotaMeter, recordFacts } from './views.js';
import { Wishes, isKey, keyOf, markOf } from './wishes.js';

const PAGE = 10;
const PATIENCE = 15; // seconds past its wait or delay, when the gateway has long told what it knows of a call
const form = byId('call');
const keyInput = byId('idempotency');
let fields = null;
let isAsking = false;
// The idempotency key belongs to the input: one that was asked for keeps its key, so that asking again, even after
// other input in between, can never be a second call. Only "New key", or a key typed beside it, gives it another.
const wishes = new Wishes();
// A key that is typed stands for every input that was not asked for yet.
const keys = { now: newKey(), input: '', typed: '' };
let shownWho = null; // who asked for what the outcome shows
let reused = ''; // who was refused which key for which input, as it stands for another call of theirs

const claimOf = (asker, key, input) => JSON.stringify([asker, key, input]);

function newKey() {
  return `console-${randomHex(8)}`;
}

const who = () => markOf(apiKey.get());

const door = () => new FormData(form).get('door');

/** The input as it stands, its key beside it. */
function current() {
  const input = fields.value();
  const text = JSON.stringify(input);
  if (text !== keys.input) {
    const isSpent = wishes.get(keys.input)?.key === keys.now;
    const unasked = keys.typed || (isSpent ? newKey() : keys.now);
    useKey(wishes.get(text)?.key ?? unasked);
  }
  keys.input = text;
  return input;
}

function useKey(key) {
  keys.now = key;
  if (keyOf(keyInput.value) !== key) keyInput.value = key;
}

function renewKey() {
  wishes.forget(keys.input);
  keys.typed = '';
  useKey(newKey());
}

/** An empty field gets a key of ours: without one, a call whose answer is lost can't be asked for again safely. */
function fillKey() {
  if (!keys.now) useKey(wishes.get(keys.input)?.key ?? newKey());
}

/** What asking with this key and input would do, and no more than what is so: only some answers are kept. */
function keyHelp() {
  const wish = wishes.get(keys.input);
  if (isReused()) return 'This key stands for another call already: press New key, or ask for that call again.';
  if (keys.now && !isKey(keys.now)) return 'A key is 1 to 255 visible ASCII characters, without spaces, and begins with no quote.';
  if (!keys.now) return 'Empty: one is made for you when you ask.';
  if (wish && wish.key !== keys.now) return 'This input was asked for with another key: with this one it is another call.';
  if (!wish && keys.typed) return 'Your own, for any input until you press New key. It can stand for one call only.';
  if (!wish) return 'Made for you, kept for retries of the same input, renewed when the input changes.';
  if (wish.who !== who()) return 'Asked already with another API key: for another tenant it would be another call.';
  if (wish.state === 'kept') return 'Asked once already: the same key gives the same answer again and dials nothing. Another call needs a new key.';
  return 'Asked already, without an answer that lasts: asking again may dial, but one call at most comes of this key.';
}

const isReused = () => claimOf(who(), keys.now, keys.input) === reused;

function tellKey() {
  if (isReused() || (keys.now && !isKey(keys.now))) keyInput.setAttribute('aria-invalid', 'true');
  else keyInput.removeAttribute('aria-invalid');
  byId('idempotency-help').textContent = keyHelp();
}

// The tabs stay while their texts change: what is replaced under a pressed button loses the click.
const codes = { rest: el('div'), curl: el('div'), graphql: el('div') };
let shownText = '';

function showSnippets() {
  if (!fields) return;
  const made = snippets(location.origin, current(), keys.now);
  tellKey();
  if (made.curlGraphql === shownText) return;
  shownText = made.curlGraphql;
  codes.rest.replaceChildren(codeBlock(made.curlRest, 'shell', 'curl for REST'));
  codes.curl.replaceChildren(codeBlock(made.curlGraphql, 'shell', 'curl for GraphQL'));
  codes.graphql.replaceChildren(codeBlock(made.document, 'graphql', 'GraphQL document'), el('h3', { text: 'Variables' }), codeBlock(made.variables, 'json', 'GraphQL variables'));
}

function makeCall(isDry) {
  if (isAsking || !fields.isComplete()) return;
  const input = current();
  fillKey();
  if (!isKey(keys.now)) {
    keyInput.focus();
    return;
  }
  perform({ through: door(), input: isDry ? { ...input, dryRun: true } : input, key: keys.now, who: who() });
}

/** Ask for a call and tell what it came to. A retry asks for the very same, whatever the form holds by then, and only
 * with the API key that asked: another tenant's key would make it another call. */
async function perform(request) {
  if (isAsking || request.who !== who()) return;
  const isDry = request.input.dryRun === true;
  if (!isDry) wishes.ask(request);
  const stop = waiting(isDry, request.input.waitSeconds ?? 0);
  const answer = await send(request, isDry ? PATIENCE : heldFor(request.input) + PATIENCE);
  stop();
  const result = read(request.through, answer, isDry);
  if (!isDry) wishes.hear(request, result);
  if (result.code === 'IDEMPOTENCY_KEY_REUSED') reused = claimOf(request.who, request.key, JSON.stringify(request.input));
  showOutcome(byId('outcome'), result, answer, { retry: () => perform(request), look: lookUp });
  shownWho = request.who;
  guardRetry();
  byId('status').textContent = `${result.title}. ${result.next}`;
  tellKey();
  if (!fields?.showFaults(result.problems)) byId('outcome-title').focus({ preventScroll: matchMedia('(min-width: 64rem)').matches });
  if (!isDry && apiKey.get() && result.code !== 'UNAUTHENTICATED') await Promise.all([showQuotas(), showRecent()]);
}

/** While another API key is in use than the one that asked, no retry is offered. */
function guardRetry() {
  const isOther = shownWho !== who();
  const place = byId('outcome');
  place.querySelectorAll('.retry').forEach((button) => { button.hidden = isOther; });
  place.querySelectorAll('.other-key').forEach((note) => { note.hidden = !isOther; });
}

/** Where nothing else is shown, offer what this tab asked for before and never saw answered: the page was left. */
function offerOpen() {
  const place = byId('outcome');
  if (!place.querySelector(':scope > .empty, :scope > .offer')) return;
  shownWho = who();
  showOpen(place, wishes.open(shownWho), perform);
}

/** Seconds for which the gateway may hold the answer. */
const heldFor = ({ waitSeconds, delaySeconds }) => Math.max(Number(waitSeconds) || 0, Number(delaySeconds) || 0);

function send({ through, input, key }, patience) {
  if (through === 'graphql') {
    const headers = { Accept: 'application/graphql-response+json, application/json;q=0.9' };
    return ask('/graphql', { method: 'POST', headers, patience, body: JSON.stringify(graphqlBody(input, key)) });
  }
  const headers = key ? { 'Idempotency-Key': key } : {};
  return ask('/v1/calls', { method: 'POST', headers, patience, body: JSON.stringify(input) });
}

/** Say that an answer is awaited, and for how long already; the function that ends it. */
function waiting(isDry, waitSeconds) {
  isAsking = true;
  const buttons = [byId('make'), byId('dry')];
  buttons.forEach((button) => button.setAttribute('aria-disabled', 'true'));
  const started = performance.now();
  const clock = el('span', { class: 'clock' });
  const tick = () => {
    clock.textContent = `${((performance.now() - started) / 1000).toFixed(1)} s`;
    byId('progress').textContent = `Waiting for the answer, ${clock.textContent}`; // on a phone the outcome is out of sight
  };
  tick();
  const timer = setInterval(tick, 100);
  const held = waitSeconds > 0 && !isDry ? ` It may be held up to ${waitSeconds} s for the call's reference.` : '';
  byId('status').textContent = `Asked.${held}`;
  if (byId('outcome').contains(document.activeElement)) byId('outcome-title').focus(); // a pressed Retry goes now
  else byId('progress').scrollIntoView({ block: 'nearest' });
  byId('outcome').replaceChildren(el('div', { class: 'banner busy' }, el('h3', {}, 'Asked ', clock), el('p', { text: `Waiting for the gateway's answer.${held}` })));
  return () => {
    clearInterval(timer);
    byId('progress').textContent = '';
    isAsking = false;
    buttons.forEach((button) => button.removeAttribute('aria-disabled'));
  };
}

/** A record as it stands now, in words for the outcome's card. */
async function lookUp(callId) {
  const answer = await ask(`/v1/calls/${encodeURIComponent(callId)}`);
  await showRecent();
  return answer.status === 200 ? recordFacts(answer.json) : el('p', { class: 'fault', text: readError(answer) });
}

// A slow answer must not take the place of a newer one, nor of another key's.
let count = 0;
const shown = new Map();

/** An answer to show, or null where it came too late for that. */
async function latest(path) {
  const key = apiKey.get();
  count += 1;
  const nth = count;
  const answer = await ask(path);
  if (key !== apiKey.get() || nth < (shown.get(path) ?? 0)) return null;
  shown.set(path, nth);
  return answer;
}

async function showQuotas() {
  const place = byId('quotas');
  const answer = await latest('/v1/quota');
  if (!answer) return;
  if (answer.status !== 200) place.replaceChildren(el('p', { class: 'fault', text: readError(answer) }));
  else if (!answer.json.quotas.length) place.replaceChildren(el('p', { class: 'empty', text: 'This tenant has no quotas: it is unlimited.' }));
  else place.replaceChildren(el('ul', { class: 'quotas' }, ...answer.json.quotas.map(quotaMeter)));
}

const CALLS = `/v1/calls?limit=${PAGE}`;

async function showRecent() {
  const place = byId('recent');
  const answer = await latest(CALLS);
  if (!answer) return;
  if (answer.status !== 200) {
    place.replaceChildren(el('p', { class: 'fault', text: readError(answer) }));
    return;
  }
  const { calls, nextCursor } = answer.json;
  const list = el('ul', { class: 'calls' }, ...calls.map(recentCall));
  place.replaceChildren(calls.length ? list : el('p', { class: 'empty', text: 'No calls yet.' }), olderCalls(list, nextCursor));
}

function recentCall(call) {
  return el('li', {}, el('details', {}, el('summary', {}, chip(call.status),
    el('span', { class: 'who' }, el('span', { text: call.callerNumber }), el('span', { class: 'arrow', 'aria-label': 'to', role: 'img', text: '→' }), el('span', { text: call.calleeNumber })),
    el('time', { datetime: call.requestedAt, title: moment(call.requestedAt), text: shortMoment(call.requestedAt) })), recordFacts(call)));
}

/** The button that adds the next page to a list, if there is one. */
function olderCalls(list, cursor) {
  if (!cursor) return '';
  const button = el('button', { type: 'button', class: 'quiet', text: 'Older calls' });
  const fault = el('p', { class: 'fault' });
  const place = el('div', {}, fault, button);
  let isPending = false;
  button.addEventListener('click', async () => {
    if (isPending) return;
    isPending = true;
    const key = apiKey.get();
    const answer = await ask(`${CALLS}&cursor=${encodeURIComponent(cursor)}`);
    isPending = false;
    if (!list.isConnected || key !== apiKey.get()) return; // a newer list stands there by now
    if (answer.status !== 200) {
      fault.textContent = readError(answer);
      return;
    }
    const rows = answer.json.calls.map(recentCall);
    list.append(...rows);
    place.replaceWith(olderCalls(list, answer.json.nextCursor));
    rows[0]?.querySelector('summary').focus();
  });
  return place;
}

function keyChanged(key) {
  guardRetry();
  offerOpen();
  tellKey();
  if (key) {
    showQuotas();
    showRecent();
    return;
  }
  if (!isAsking) { // an answer to come is told to whoever asked for it
    byId('outcome').replaceChildren(el('p', { class: 'empty', text: 'Forgotten with the key.' }));
    byId('status').textContent = '';
  }
  byId('quotas').replaceChildren(el('p', { class: 'empty', text: 'Paste a key to see where you stand.' }));
  byId('recent').replaceChildren(el('p', { class: 'empty', text: "Paste a key to see the tenant's calls." }));
}

async function start() {
  mountKey(byId('key'), keyChanged);
  offerOpen();
  addEventListener('beforeunload', (event) => { if (isAsking) event.preventDefault(); });
  keyInput.value = keys.now;
  keyInput.addEventListener('input', () => {
    keys.typed = keyOf(keyInput.value);
    keys.now = keys.typed;
    showSnippets();
  });
  keyInput.addEventListener('change', () => { fillKey(); keyInput.value = keys.now; if (fields) showSnippets(); });
  byId('new-key').addEventListener('click', () => { renewKey(); showSnippets(); });
  byId('dry').addEventListener('click', () => { if (fields) makeCall(true); });
  byId('refresh-quotas').addEventListener('click', showQuotas);
  byId('refresh-recent').addEventListener('click', () => showRecent());
  form.addEventListener('submit', (event) => { event.preventDefault(); if (fields) makeCall(false); });
  const described = await ask('/openapi.json', { key: '' });
  if (described.status !== 200) {
    byId('fields').removeAttribute('aria-busy');
    byId('fields').replaceChildren(el('p', { class: 'fault', text: 'The description of the API could not be loaded. Reload this page.' }));
    return;
  }
  fields = new CallForm(byId('fields'), described.json, showSnippets);
  byId('snippets').append(tabbed('Form of the request', [
    { name: 'curl REST', content: codes.rest }, { name: 'curl GraphQL', content: codes.curl }, { name: 'GraphQL', content: codes.graphql },
  ]));
  showSnippets();
  if (apiKey.get()) keyChanged(apiKey.get());
}

start();
