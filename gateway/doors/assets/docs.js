// The API reference, made from /openapi.json in the reader's browser, with every operation ready to try.

import { ask, byId, codeBlock, el, facts, mountKey, randomHex, words } from './kit.js';
import { ADVICE, NOT_SENT } from './advice.js';

const PROSE = /`([^`]+)`/g;

/** Text in which `code` is set as code. */
function prose(text) {
  const parts = text.split(PROSE);
  return parts.map((part, i) => (i % 2 ? el('code', { text: part }) : part));
}

let schemas = {};

/** A schema without its alternative of null. */
const own = (schema) => schema.anyOf?.find((one) => one.type !== 'null') ?? schema;

const nameOf = (schema) => own(schema).$ref?.split('/').pop();

/** A schema with what it refers to. */
const whole = (schema) => ({ ...schemas[nameOf(schema)], ...own(schema), ...schema });

/** A schema's type in words; references become links. */
function typeOf(schema) {
  const several = schema.anyOf ?? schema.oneOf;
  if (several) return el('span', {}, ...several.flatMap((one, i) => [i ? ' or ' : '', typeOf(one)]));
  if (schema.$ref) return el('a', { href: `#schema-${nameOf(schema)}`, text: nameOf(schema) });
  if (schema.type === 'array') return el('span', {}, 'list of ', typeOf(schema.items));
  return el('span', { text: [schema.type].flat().join(' or ') });
}

function bounds(referring) {
  const schema = whole(referring);
  const told = [];
  if (schema.default !== undefined) told.push(['default', JSON.stringify(schema.default)]);
  const choices = schema.enum?.filter((one) => one !== null) ?? [];
  if (choices.length && choices.length < 8) told.push(['one of', choices.join(', ')]);
  if (choices.length >= 8) told.push(['one of', 'the codes listed under Errors']);
  if (schema.minimum !== undefined) told.push(['range', schema.maximum === undefined ? `from ${schema.minimum}` : `${schema.minimum} to ${schema.maximum}`]);
  if (schema.pattern) told.push(['pattern', schema.pattern]);
  if (schema.maxLength) told.push(['length', `${schema.minLength ?? 0} to ${schema.maxLength}`]);
  return el('span', { class: 'bounds' }, ...told.map(([name, value]) => el('span', {}, `${name} `, el('code', { text: value }))));
}

/** Rows of [name, schema, isRequired, description] as a list that also fits a phone. */
function members(rows, showsRequired = true) {
  return el('dl', { class: 'members' }, ...rows.map(([name, schema, isRequired, description]) => el('div', {},
    el('dt', {}, el('code', { class: 'member', text: name }), ' ', el('span', { class: 'type' }, typeOf(schema)), isRequired && showsRequired ? el('span', { class: 'chip', text: 'required' }) : null),
    el('dd', {}, ...prose(description ?? ''), bounds(schema)))));
}

function schemaMembers(schema, showsRequired = true) {
  if (schema.enum) return el('p', {}, ...schema.enum.flatMap((word, i) => [i ? ', ' : '', el('code', { text: word })]));
  const required = new Set(schema.required ?? []);
  return members(Object.entries(schema.properties).map(([name, value]) => [name, value, required.has(name), value.description]), showsRequired);
}

/** The members of a schema with those of its objects beside them, as `caller.number`. */
function flat(schema, prefix = '') {
  return Object.entries(schema.properties).flatMap(([name, value]) => {
    const inner = schemas[nameOf(value)];
    if (inner?.properties) return flat(inner, `${prefix}${name}.`);
    return [[prefix + name, value, (schema.required ?? []).includes(name), value.description]];
  });
}

const codesIn = (description) => description.split('; ').map((part) => part.split(': ')).filter(([code]) => code in ADVICE);

function answers(responses) {
  return el('dl', { class: 'members' }, ...Object.entries(responses).map(([status, response]) => {
    const codes = codesIn(response.description);
    const schema = Object.values(response.content ?? {})[0]?.schema;
    const what = codes.length
      ? codes.flatMap(([code], i) => [i ? ', ' : '', el('a', { href: `#error-${code}` }, el('code', { text: code }))])
      : prose(response.description);
    return el('div', {}, el('dt', {}, el('code', { class: `status s${status[0]}`, text: status }), schema ? el('span', { class: 'type' }, typeOf(schema)) : null), el('dd', {}, ...what));
  }));
}

function operation(path, method, op) {
  const title = `op-${op.operationId}`;
  const parts = [
    el('h2', { id: title }, el('span', { class: `method m-${method}`, text: method.toUpperCase() }), ' ', el('code', { text: path })),
    el('p', { class: 'lead' }, el('strong', { text: op.summary }), op.description ? `. ${op.description}` : ''),
  ];
  if (op.parameters?.length) {
    parts.push(el('h3', { text: 'Parameters' }), members(op.parameters.map((one) => [one.name, one.schema, one.required, `In the ${one.in}. ${one.description ?? ''}`])));
  }
  const body = op.requestBody?.content['application/json'].schema;
  if (body) parts.push(el('h3', {}, 'Body ', typeOf(body)), members(flat(schemas[nameOf(body)])));
  parts.push(el('h3', { text: 'Answers' }), answers(op.responses), attempt(path, method, op, body));
  return el('section', { class: 'card operation', 'aria-labelledby': title }, ...parts);
}

/** The form that tries an operation. */
function attempt(path, method, op, body) {
  const inputs = new Map((op.parameters ?? []).map((one) => [one, control(op, one)]));
  const example = body ? JSON.stringify({ ...schemas[nameOf(body)].examples[0], dryRun: true }, null, 2) : null;
  const id = `${op.operationId}-body`;
  const area = body ? el('textarea', { id, class: 'code', rows: '12', spellcheck: 'false' }) : null;
  if (area) area.value = example;
  const shown = el('div', { class: 'answer', 'aria-live': 'polite' });
  const send = el('button', { type: 'submit', class: 'primary' }, 'Send', el('span', { class: 'unseen', text: ` ${op.summary}` }));
  const form = el('form', { novalidate: true },
    ...[...inputs].map(([one, input]) => el('div', { class: 'field' }, el('label', { for: input.id, text: one.name }), input)),
    area ? el('div', { class: 'field' }, el('label', { for: id, text: 'Body' }), area, el('p', { class: 'help', text: 'Without "dryRun": true it really asks for a call.' })) : '',
    el('div', { class: 'actions' }, send), shown);
  let isAsking = false;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (isAsking) return; // a double click on a call without a key would be two calls
    isAsking = true;
    send.setAttribute('aria-disabled', 'true');
    shown.replaceChildren(el('p', { text: 'Asked; waiting for the answer.' }));
    const { target, headers } = address(path, inputs);
    const answer = await ask(target, { method: method.toUpperCase(), headers, body: area ? area.value : null });
    isAsking = false;
    send.removeAttribute('aria-disabled');
    shown.replaceChildren(...told(answer, headers['Idempotency-Key']));
  });
  return el('details', { class: 'more try' }, el('summary', { text: 'Try it' }), form);
}

function control(op, one) {
  const id = `${op.operationId}-${one.name}`;
  const { enum: choices } = whole(one.schema);
  if (choices) return el('select', { id }, el('option', { value: '', text: 'Any' }), ...choices.map((word) => el('option', { text: word })));
  const input = el('input', { id, class: 'code', spellcheck: 'false', autocomplete: 'off', placeholder: one.example ?? one.schema.default ?? null });
  if (one.name === 'Idempotency-Key') input.value = `docs-${randomHex(8)}`;
  return input;
}

function address(path, inputs) {
  const headers = {};
  const query = new URLSearchParams();
  let target = path;
  for (const [one, input] of inputs) {
    const value = input.value.trim();
    if (one.in === 'path') target = target.replace(`{${one.name}}`, encodeURIComponent(value || 'none'));
    else if (value && one.in === 'query') query.set(one.name, value);
    else if (value && one.in === 'header') headers[one.name] = value;
  }
  return { target: query.size ? `${target}?${query}` : target, headers };
}

function told(answer, key) {
  if (!answer.isSent) return [el('p', { class: 'fault', text: NOT_SENT })];
  if (answer.status === 0) {
    const again = key ? 'retry with the same key only' : 'it was asked without an idempotency key, so asking again may ring a second time';
    return [el('p', { class: 'fault', text: `No answer came. If this asked for a call, it may have been placed: ${again}.` })];
  }
  const next = ADVICE[answer.json?.code];
  const shown = ['Location', 'RateLimit', 'Retry-After', 'Idempotent-Replayed', 'X-Request-ID'];
  return [
    el('p', {}, el('code', { class: `status s${String(answer.status)[0]}`, text: String(answer.status) }), ` in ${answer.seconds.toFixed(2)} s`),
    next ? el('p', { class: 'next' }, el('strong', { text: 'What to do: ' }), next) : '',
    codeBlock(answer.json ? JSON.stringify(answer.json, null, 2) : answer.text, 'json', 'The answer'),
    facts([...shown.map((name) => [name, answer.headers.get(name)]), ['Trace id', el('code', { text: answer.traceId })]]),
  ];
}

function errorList(openapi) {
  const statuses = new Map();
  for (const item of Object.values(openapi.paths)) {
    for (const op of Object.values(item)) {
      for (const [status, { description }] of Object.entries(op.responses)) {
        for (const [code, title] of codesIn(description)) statuses.set(code, { title, found: new Set([...(statuses.get(code)?.found ?? []), status]) });
      }
    }
  }
  const rows = schemas.CallErrorCode.enum.map((code) => {
    const { title, found } = statuses.get(code) ?? { title: '', found: [] };
    return el('div', { id: `error-${code}` }, el('dt', {}, el('code', { class: 'member', text: code }), ' ', ...[...found].map((status) => el('code', { class: `status s${status[0]}`, text: status }))),
      el('dd', {}, title ? `${title}. ` : '', ADVICE[code]));
  });
  return el('section', { class: 'card', 'aria-labelledby': 'errors' }, el('h2', { id: 'errors', text: 'Errors' }),
    el('p', {}, ...prose('Errors are `application/problem+json`. `callState` says whether the call may have been placed, `retryable` whether the same request may succeed later; retry with the same idempotency key.')),
    el('dl', { class: 'members' }, ...rows));
}

function schemaList() {
  return el('section', { class: 'card', 'aria-labelledby': 'schemas' }, el('h2', { id: 'schemas', text: 'Schemas' }),
    ...Object.entries(schemas).map(([name, schema]) => el('details', { class: 'more', id: `schema-${name}` }, el('summary', {}, el('code', { class: 'member', text: name })), schemaMembers(schema, ['Call', 'Caller', 'Callee', 'CallInput', 'Problem'].includes(name)))));
}

function openTarget() {
  const target = location.hash ? byId(decodeURIComponent(location.hash.slice(1))) : null;
  if (target?.tagName === 'DETAILS') target.open = true;
  target?.scrollIntoView();
}

async function start() {
  mountKey(byId('key'), () => {});
  const place = byId('operations');
  const described = await ask('/openapi.json', { key: '' });
  place.removeAttribute('aria-busy');
  if (described.status !== 200) {
    place.replaceChildren(el('p', { class: 'fault', text: 'The description of the API could not be loaded. Reload this page.' }));
    return;
  }
  const openapi = described.json;
  schemas = openapi.components.schemas;
  const ops = Object.entries(openapi.paths).flatMap(([path, item]) => Object.entries(item).map(([method, op]) => ({ path, method, op })));
  byId('intro').append(el('p', {}, `${openapi.info.title} ${openapi.info.version}. ${openapi.info.description} `, el('a', { href: '/openapi.json', text: 'openapi.json' })),
    el('p', {}, ...prose(`Send \`Authorization: Bearer KEY\` with every request. ${openapi.components.securitySchemes.bearer.description}`)));
  byId('contents').append(el('ul', {}, ...ops.map(({ method, op }) => el('li', {}, el('a', { href: `#op-${op.operationId}` }, el('span', { class: `method m-${method}`, text: method.toUpperCase() }), ` ${words(op.operationId)}`))),
    ...[['errors', 'Errors'], ['schemas', 'Schemas']].map(([id, text]) => el('li', {}, el('a', { href: `#${id}`, text })))));
  place.replaceChildren(...ops.map(({ path, method, op }) => operation(path, method, op)), errorList(openapi), schemaList());
  openTarget();
  addEventListener('hashchange', openTarget);
}

start();
