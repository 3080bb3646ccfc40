// The form of one call, made from the OpenAPI document's CallInput, so that it can't lag behind the API.

import { el, words } from './kit.js';

const PLAIN = new Set(['/caller/type', '/caller/number', '/callee/number', '/waitSeconds']);
const NOT_HERE = new Set(['/dryRun']); // a button of its own
const TITLES = { caller: 'Caller', callee: 'Callee', billing: 'Billing', '': 'The whole call' };
const FIRST = ['number', 'type'];

/** The fields of CallInput, flat: [{pointer, group, name, type, choices, default, help, required, maxLength, example}]. */
export function fieldsOf(openapi) {
  const named = (schema) => {
    const own = schema.anyOf?.find((one) => one.type !== 'null') ?? schema;
    return { ...(own.$ref && openapi.components.schemas[own.$ref.split('/').pop()]), ...own, ...schema };
  };
  const found = [];
  const input = openapi.components.schemas.CallInput;
  for (const [name, raw] of Object.entries(input.properties)) {
    const schema = named(raw);
    if (!schema.properties) found.push(field('', name, schema, input.required));
    else for (const [inner, value] of Object.entries(schema.properties)) found.push({ ...field(name, inner, named(value), schema.required), example: input.examples[0][name]?.[inner] });
  }
  return found.filter(({ pointer }) => !NOT_HERE.has(pointer));
}

function field(group, name, schema, required = []) {
  const types = [schema.type].flat();
  return {
    pointer: group ? `/${group}/${name}` : `/${name}`,
    group,
    name,
    type: types.find((type) => type !== 'null'),
    choices: schema.enum ? schema.enum.filter((one) => one !== null) : null,
    default: schema.default ?? null,
    help: schema.description ?? '',
    required: required.includes(name),
    maxLength: schema.maxLength ?? null,
  };
}

const idOf = (pointer) => `f${pointer.replaceAll('/', '-')}`;

/** The form's fields in `place`; `changed` is called when one changes. */
export class CallForm {
  constructor(place, openapi, changed) {
    this.fields = fieldsOf(openapi);
    this.inputs = new Map();
    const groups = ['caller', 'callee', 'billing', ''];
    const of = (group, isPlain) => this.fields
      .filter((one) => one.group === group && PLAIN.has(one.pointer) === isPlain)
      .sort((a, b) => order(a) - order(b));
    const parties = ['caller', 'callee'].map((group) => this.group(TITLES[group], of(group, true)));
    const wait = of('', true).map((one) => this.row(one));
    this.count = el('span', { class: 'count' });
    const more = el('details', { class: 'more' }, el('summary', {}, 'More options ', this.count),
      ...groups.filter((group) => of(group, false).length).map((group) => this.group(TITLES[group], of(group, false))));
    this.more = more;
    place.append(el('div', { class: 'parties' }, ...parties), ...wait, more);
    place.removeAttribute('aria-busy');
    const heard = () => { this.clearFaults(); this.tellCount(); changed(); };
    place.addEventListener('input', heard);
    place.addEventListener('change', heard);
  }

  group(title, fields) {
    return el('fieldset', {}, el('legend', { text: title }), ...fields.map((one) => this.row(one)));
  }

  row(one) {
    const id = idOf(one.pointer);
    const help = el('p', { class: 'help', id: `${id}-help`, text: one.help.replaceAll('`', '') });
    const fault = el('p', { class: 'fault', id: `${id}-fault` });
    const shared = { id, 'aria-describedby': `${id}-help ${id}-fault` };
    if (one.type === 'boolean') {
      const box = el('input', { ...shared, type: 'checkbox', checked: one.default === true });
      this.inputs.set(one.pointer, box);
      return el('div', { class: 'field check' }, el('label', {}, box, ` ${words(one.name)}`), help, fault);
    }
    const input = one.choices ? this.select(one, shared) : this.text(one, shared);
    this.inputs.set(one.pointer, input);
    const mark = one.required ? el('span', { class: 'required', text: ' required' }) : null;
    return el('div', { class: 'field' }, el('label', { for: id }, words(one.name), mark), input, help, fault);
  }

  select(one, shared) {
    const options = one.choices.map((word) => el('option', { value: word, text: words(word.toLowerCase()), selected: word === one.default }));
    if (one.default === null) options.unshift(el('option', { value: '', text: 'Leave out' }));
    return el('select', shared, ...options);
  }

  text(one, shared) {
    return el('input', {
      ...shared, class: 'code', spellcheck: 'false', maxlength: one.maxLength, required: one.required,
      inputmode: one.type === 'integer' ? 'numeric' : null, placeholder: one.default !== null ? String(one.default) : one.required && one.example ? `e.g. ${one.example}` : null,
    });
  }

  /** The input object: what is at its default or empty is left out. */
  value() {
    const input = {};
    for (const one of this.fields) {
      const given = read(one, this.inputs.get(one.pointer));
      if (given === null || given === one.default) continue;
      if (one.group) (input[one.group] ??= {})[one.name] = given;
      else input[one.name] = given;
    }
    return input;
  }

  /** Required fields that are empty get their words; whether there were none. */
  isComplete() {
    const empty = this.fields.filter((one) => one.required && read(one, this.inputs.get(one.pointer)) === null);
    this.showFaults(empty.map(({ pointer, group }) => ({ pointer, detail: `Enter the ${group}'s number.` })));
    return empty.length === 0;
  }

  /** Mark the fields that problems point to, and go to the first; whether there is one. */
  showFaults(problems) {
    this.clearFaults();
    let first = null;
    for (const { pointer, detail } of problems) {
      const input = this.inputs.get(pointer);
      if (!input) continue;
      input.setAttribute('aria-invalid', 'true');
      document.getElementById(`${input.id}-fault`).textContent = detail;
      if (input.closest('details')) this.more.open = true;
      first ??= input;
    }
    first?.focus();
    return first !== null;
  }

  clearFaults() {
    for (const input of this.inputs.values()) {
      if (!input.hasAttribute('aria-invalid')) continue;
      input.removeAttribute('aria-invalid');
      document.getElementById(`${input.id}-fault`).textContent = '';
    }
  }

  tellCount() {
    const set = this.fields.filter((one) => !PLAIN.has(one.pointer) && ![null, one.default].includes(read(one, this.inputs.get(one.pointer))));
    this.count.textContent = set.length ? `${set.length} set` : '';
  }
}

const order = ({ name }) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);

// What is no whole number goes as it was written: the gateway says best what is wrong with it.
function read(one, input) {
  if (one.type === 'boolean') return input.checked;
  const given = input.value;
  if (given === '') return null;
  return one.type === 'integer' && /^-?\d{1,15}$/.test(given) ? Number(given) : given;
}
