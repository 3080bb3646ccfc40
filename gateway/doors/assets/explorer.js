// The GraphQL explorer: a document, its variables, the answer, and the schema to look things up in.

import { apiKey, ask, byId, codeBlock, coloured, el, facts, mountKey, randomHex, readJson } from './kit.js';
import { ADVICE } from './advice.js';
import { DOCUMENT } from './snippets.js';

const INTROSPECTION = `query Schema {
  __schema {
    types { ...type }
  }
}
fragment type on __Type {
  kind name description
  fields { name description args { ...argument } type { ...shape } }
  inputFields { ...argument }
  enumValues { name description }
  possibleTypes { name }
}
fragment argument on __InputValue { name description defaultValue type { ...shape } }
fragment shape on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }`;

const CALL = '{\n    id status requestedAt settledAt callerNumber calleeNumber code\n    reference { machine server callId }\n  }';

const EXAMPLES = [
  ['Dry run of a call', DOCUMENT, { input: { caller: { number: '1234567', type: 'LINE' }, callee: { number: '2125551234' }, waitSeconds: 5, dryRun: true } }],
  ['Make a call', DOCUMENT, { input: { caller: { number: '1234567', type: 'LINE' }, callee: { number: '2125551234' }, waitSeconds: 5, idempotencyKey: `explorer-${randomHex(8)}` } }],
  ['Quotas', 'query Quotas {\n  quota { name per scope limit remaining inUse resetSeconds }\n}', {}],
  ['Recent calls', `query Recent($first: Int, $after: String, $status: CallStatus) {\n  calls(first: $first, after: $after, status: $status) {\n    nodes { id status callerNumber calleeNumber requestedAt code }\n    pageInfo { hasNextPage endCursor }\n  }\n}`, { first: 10 }],
  ['One call', `query One($id: ID!) {\n  call(id: $id) ${CALL}\n}`, { id: '' }],
  ['A call by its idempotency key', `query ByKey($key: String!) {\n  callByIdempotencyKey(key: $key) ${CALL}\n}`, { key: '' }],
  ['The gateway', 'query Version {\n  gateway { version }\n}', {}],
];

const query = byId('query');
const variables = byId('variables');
let isAsking = false;

/** A textarea over a coloured copy of its text. */
function colour(area, language) {
  const copy = el('pre', { class: 'code', 'aria-hidden': 'true' });
  const show = () => {
    copy.replaceChildren(...coloured(area.value, language), '\n');
    follow();
  };
  const follow = () => {
    copy.scrollTop = area.scrollTop;
    copy.scrollLeft = area.scrollLeft;
  };
  area.before(copy);
  area.addEventListener('input', show);
  area.addEventListener('scroll', follow);
  return show;
}

const showQuery = colour(query, 'graphql');
const showVariables = colour(variables, 'json');

function load(document_, given) {
  query.value = document_;
  variables.value = JSON.stringify(given, null, 2);
  showQuery();
  showVariables();
}

function variablesGiven() {
  const text = variables.value.trim();
  if (!text) return {};
  const found = readJson(text);
  return found !== null && typeof found === 'object' && !Array.isArray(found) ? found : null;
}

async function run() {
  if (isAsking) return;
  const given = variablesGiven();
  variables.toggleAttribute('aria-invalid', given === null);
  if (given === null) {
    variables.setAttribute('aria-invalid', 'true');
    tell('The variables are no JSON object. Nothing was sent.', el('p', { class: 'fault', text: 'The variables must be one JSON object, such as {"first": 10}. Nothing was sent.' }));
    variables.focus();
    return;
  }
  isAsking = true;
  byId('run').setAttribute('aria-disabled', 'true');
  tell('Asked; waiting for the answer.', el('p', { text: 'Asked; waiting for the answer.' }));
  const headers = { Accept: 'application/graphql-response+json, application/json;q=0.9' };
  const answer = await ask('/graphql', { method: 'POST', headers, body: JSON.stringify({ query: query.value, variables: given }) });
  isAsking = false;
  byId('run').removeAttribute('aria-disabled');
  showAnswer(answer);
}

function tell(said, ...nodes) {
  byId('status').textContent = said;
  byId('answer').replaceChildren(...nodes);
}

/** Every code in an answer, at the top or of a union member. */
function codesOf(json) {
  const codes = (json?.errors ?? []).map(({ extensions }) => extensions?.code);
  for (const field of Object.values(json?.data ?? {})) if (field?.__typename && field.code) codes.push(field.code);
  return [...new Set(codes)].filter((code) => code in ADVICE);
}

function showAnswer(answer) {
  if (answer.status === 0) {
    tell('No answer came.', el('p', { class: 'fault', text: 'No answer came. If this asked for a call, it may have been placed: retry with the same key only.' }));
    return;
  }
  const advice = codesOf(answer.json).map((code) => el('p', { class: 'next' }, el('code', { text: code }), ` ${ADVICE[code]}`));
  tell(`Answered with HTTP status ${answer.status}.`, ...advice,
    codeBlock(answer.json ? JSON.stringify(answer.json, null, 2) : answer.text, 'json', 'The answer'),
    facts([
      ['HTTP status', String(answer.status)],
      ['Took', `${answer.seconds.toFixed(2)} s`],
      ...['RateLimit', 'Retry-After', 'Idempotent-Replayed', 'X-Request-ID'].map((name) => [name, answer.headers.get(name)]),
      ['Trace id', el('code', { text: answer.traceId })],
    ]));
}

const plain = (text) => text.replaceAll('`', '');

const namedType = (type) => (type.ofType ? namedType(type.ofType) : type.name);

function spelled(type) {
  if (type.kind === 'NON_NULL') return `${spelled(type.ofType)}!`;
  if (type.kind === 'LIST') return `[${spelled(type.ofType)}]`;
  return type.name;
}

function typeLink(type, known) {
  const name = namedType(type);
  return known.has(name) ? el('a', { href: `#type-${name}` }, el('code', { text: spelled(type) })) : el('code', { text: spelled(type) });
}

function typeEntry(type, known) {
  const rows = [...(type.fields ?? []), ...(type.inputFields ?? [])].map((field) => el('li', {},
    el('div', {}, el('code', { class: 'member', text: field.name }), ' ', typeLink(field.type, known)),
    field.description ? el('p', { class: 'help', text: plain(field.description) }) : null,
    ...(field.args ?? []).map((arg) => el('p', { class: 'help' }, 'takes ', el('code', { text: arg.name }), ' ', typeLink(arg.type, known), arg.defaultValue ? ` = ${arg.defaultValue}` : ''))));
  const values = (type.enumValues ?? []).map((value) => el('li', {}, el('code', { class: 'member', text: value.name })));
  const members = (type.kind === 'UNION' || type.kind === 'INTERFACE' ? type.possibleTypes ?? [] : []).map(({ name }) => el('li', {}, typeLink({ name }, known)));
  return el('details', { class: 'more', id: `type-${type.name}`, 'data-text': JSON.stringify(type).toLowerCase() },
    el('summary', {}, el('code', { class: 'member', text: type.name }), el('span', { class: 'help', text: ` ${type.kind.toLowerCase().replace('_', ' ')}` })),
    type.description ? el('p', { class: 'help', text: plain(type.description) }) : '',
    el('ul', { class: 'fields' }, ...rows, ...values, ...members));
}

function showSchema(types) {
  const shown = types.filter(({ name, kind }) => !name.startsWith('__') && kind !== 'SCALAR');
  const order = ['Mutation', 'Query', 'MakeCallInput', 'MakeCallResult'];
  const rank = ({ name }) => (order.includes(name) ? order.indexOf(name) : order.length);
  shown.sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
  const known = new Set(shown.map(({ name }) => name));
  const entries = shown.map((type) => typeEntry(type, known));
  const search = el('input', { id: 'schema-search', type: 'search', autocomplete: 'off', placeholder: 'Type or field' });
  const list = el('div', {}, ...entries);
  search.addEventListener('input', () => {
    const wanted = search.value.trim().toLowerCase();
    for (const entry of entries) entry.hidden = Boolean(wanted) && !entry.dataset.text.includes(wanted);
  });
  entries[0].open = true;
  byId('schema').replaceChildren(el('div', { class: 'field' }, el('label', { for: 'schema-search', text: 'Find' }), search), list);
}

async function loadSchema() {
  const key = apiKey.get();
  if (!key) {
    byId('schema').replaceChildren(el('p', { class: 'empty', text: 'Paste a key to read the schema.' }));
    return;
  }
  const answer = await ask('/graphql', { method: 'POST', body: JSON.stringify({ query: INTROSPECTION }) });
  if (key !== apiKey.get()) return;
  const types = answer.json?.data?.__schema?.types;
  if (types) {
    showSchema(types);
    return;
  }
  const code = answer.json?.errors?.[0]?.extensions?.code;
  const why = code === 'UNAUTHENTICATED' ? ADVICE[code] : 'The gateway does not tell its schema: introspection may be off here. Operations run all the same.';
  byId('schema').replaceChildren(el('p', { class: 'fault', text: why }));
}

function openTarget() {
  const target = location.hash ? byId(decodeURIComponent(location.hash.slice(1))) : null;
  if (target?.tagName !== 'DETAILS') return;
  target.open = true;
  target.hidden = false;
  target.querySelector('summary').focus();
}

function start() {
  mountKey(byId('key'), loadSchema);
  const choice = byId('example');
  choice.append(...EXAMPLES.map(([name], i) => el('option', { value: String(i), text: name })));
  choice.addEventListener('change', () => load(...EXAMPLES[Number(choice.value)].slice(1)));
  load(...EXAMPLES[0].slice(1));
  byId('run').addEventListener('click', run);
  addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      run();
    }
  });
  addEventListener('hashchange', openTarget);
  loadSchema();
}

start();
