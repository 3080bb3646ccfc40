// What the three pages share: elements, the API key, requests, code blocks and tabs.
// Nothing here writes markup from text: every value becomes a text node or an attribute.

/** An element. `props`: `text`, `on` (listeners by event), else attributes; null, false leave one out. */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'text') node.textContent = value;
    else if (name === 'on') for (const [event, heard] of Object.entries(value)) node.addEventListener(event, heard);
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export const byId = (id) => document.getElementById(id);

/** Random bytes as hex. (crypto.randomUUID is missing where the page comes over plain HTTP.) */
export function randomHex(bytes) {
  const drawn = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(drawn, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

// The key lives in this tab's sessionStorage, or in memory where there is none; nowhere else.
const PLACE = 'gateway.api-key';
let inMemory = '';

export const apiKey = {
  get() {
    try {
      return sessionStorage.getItem(PLACE) ?? '';
    } catch {
      return inMemory;
    }
  },
  set(value) {
    inMemory = value;
    try {
      if (value) sessionStorage.setItem(PLACE, value);
      else sessionStorage.removeItem(PLACE);
    } catch {
      // memory has it
    }
  },
};

/** The form that takes the key; `changed` hears of a new key, and of none. */
export function mountKey(place, changed) {
  const input = el('input', {
    id: 'api-key', type: 'password', class: 'code', autocomplete: 'off', spellcheck: 'false', 'aria-describedby': 'key-help',
    placeholder: 'gw_…',
  });
  const help = el('p', { class: 'help', id: 'key-help' });
  const show = el('button', { type: 'button', 'aria-pressed': 'false', text: 'Show' });
  const forget = el('button', { type: 'button', text: 'Forget' });
  const told = () => {
    forget.hidden = !input.value;
    help.textContent = apiKey.get()
      ? 'In use. It is kept in this tab only and forgotten when the tab closes.'
      : 'Paste a key; `gateway demo` prints one. It is kept in this tab only.';
  };
  const take = () => {
    const given = input.value.trim().replace(/^Bearer\s+/i, '');
    const isKey = /^[\x21-\x7e]*$/.test(given);
    if (isKey) input.removeAttribute('aria-invalid');
    else input.setAttribute('aria-invalid', 'true');
    const taken = isKey ? given : ''; // what is not shown must not be used
    const isNew = taken !== apiKey.get();
    apiKey.set(taken);
    told();
    if (!isKey) help.textContent = 'A key is made of visible ASCII characters, without spaces. None is in use: paste it again.';
    if (isNew) changed(taken);
  };
  show.addEventListener('click', () => {
    const shown = input.type === 'password';
    input.type = shown ? 'text' : 'password';
    show.setAttribute('aria-pressed', String(shown));
  });
  forget.addEventListener('click', () => {
    input.value = '';
    take();
    input.focus();
  });
  // A key that is typed counts when typing rests, at Enter, or when the field is left; one that came whole, at once.
  let rest = 0;
  input.addEventListener('input', ({ data, inputType }) => {
    clearTimeout(rest);
    if (data?.length === 1 || inputType?.startsWith('delete')) rest = setTimeout(take, 500);
    else take();
  });
  input.addEventListener('change', take);
  input.addEventListener('keydown', ({ key }) => { if (key === 'Enter') take(); });
  input.value = apiKey.get();
  told();
  const form = el('form', { class: 'field', autocomplete: 'off', novalidate: true },
    el('label', { for: 'api-key', class: 'unseen', text: 'API key' }), el('div', { class: 'joined' }, input, show, forget), help);
  form.addEventListener('submit', (event) => event.preventDefault());
  place.append(form);
}

/**
 * One request with the key. Resolves to {status, headers, text, json, seconds, traceId, isSent}; `status` 0 says that no
 * answer came, which says that nothing happened only where `isSent` is false: the browser could not form the request,
 * for a header's characters perhaps. With `patience`, in seconds, no answer is awaited for longer. The trace is ours,
 * so that its id is known here.
 */
export async function ask(path, { method = 'GET', headers = {}, body = null, key = apiKey.get(), patience = 0 } = {}) {
  const traceId = randomHex(16);
  const sent = { traceparent: `00-${traceId}-${randomHex(8)}-01`, ...headers };
  if (key) sent.Authorization = `Bearer ${key}`;
  if (body !== null) sent['Content-Type'] = 'application/json';
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const hangUp = new AbortController();
  const timer = patience && setTimeout(() => hangUp.abort(), patience * 1000);
  let isSent = false;
  try {
    const request = new Request(path, { method, headers: sent, body, signal: hangUp.signal, cache: 'no-store', credentials: 'omit', redirect: 'error' });
    isSent = true;
    const answer = await fetch(request);
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, text, json: readJson(text), seconds: seconds(), traceId, isSent };
  } catch {
    return { status: 0, headers: new Headers(), text: '', json: null, seconds: seconds(), traceId, isSent };
  } finally {
    clearTimeout(timer);
  }
}

export function readJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const TOKENS = {
  json: /("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null)\b|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/g,
  graphql: /("(?:[^"\\]|\\.)*")|(#[^\n]*)|\b(query|mutation|fragment|on|true|false|null)\b|(\$\w+)|(\b[A-Z]\w*)/g,
  shell: /('(?:[^']|'\\'')*'|"(?:[^"\\]|\\.)*")|(\s-{1,2}[A-Za-z]+)/g,
};
const CLASSES = {
  json: (m) => (m[1] ? (m[2] ? 'name' : 'text') : m[3] ? 'word' : 'number'),
  graphql: (m) => (m[1] ? 'text' : m[2] ? 'quiet' : m[3] ? 'word' : m[4] ? 'number' : 'name'),
  shell: (m) => (m[1] ? 'text' : 'word'),
};

/** Text as nodes with classes for colour. */
export function coloured(text, language) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(TOKENS[language])) {
    const token = language === 'json' && match[2] ? match[1] : match[0];
    nodes.push(text.slice(end, match.index), el('span', { class: `t-${CLASSES[language](match)}`, text: token }));
    end = match.index + token.length;
  }
  nodes.push(text.slice(end));
  return nodes;
}

/** A block of code with a button that copies it. */
export function codeBlock(text, language, label) {
  const said = el('span', { role: 'status', class: 'unseen' });
  const button = el('button', { type: 'button', class: 'quiet copy', text: 'Copy' }, el('span', { class: 'unseen', text: ` ${label}` }));
  button.addEventListener('click', async () => {
    const done = await copied(text);
    said.textContent = done ? 'Copied.' : 'The browser did not allow copying; select the text.';
    button.firstChild.textContent = done ? 'Copied' : 'Not allowed';
    setTimeout(() => { button.firstChild.textContent = 'Copy'; said.textContent = ''; }, 2000);
  });
  const code = el('pre', { class: 'code', tabindex: '0', 'aria-label': label, role: 'region' }, el('code', {}, ...coloured(text, language)));
  return el('div', { class: 'block' }, button, code, said);
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** Tabs (WAI-ARIA pattern: arrows move, the panel follows). `tabs`: [{name, content: Element}]. */
export function tabbed(label, tabs) {
  const id = randomHex(4);
  const buttons = tabs.map(({ name }, i) => el('button', { type: 'button', role: 'tab', id: `t${id}-${i}`, 'aria-controls': `p${id}-${i}`, text: name }));
  const panels = tabs.map(({ content }, i) => el('div', { role: 'tabpanel', id: `p${id}-${i}`, 'aria-labelledby': `t${id}-${i}` }, content));
  const choose = (index) => {
    buttons.forEach((button, i) => {
      button.setAttribute('aria-selected', String(i === index));
      button.tabIndex = i === index ? 0 : -1;
      panels[i].hidden = i !== index;
    });
  };
  const list = el('div', { role: 'tablist', class: 'tabs', 'aria-label': label }, ...buttons);
  list.addEventListener('click', (event) => {
    const index = buttons.indexOf(event.target);
    if (index >= 0) choose(index);
  });
  list.addEventListener('keydown', (event) => {
    const from = buttons.indexOf(event.target);
    const to = { ArrowRight: from + 1, ArrowLeft: from - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (from < 0 || to === undefined) return;
    event.preventDefault();
    const index = (to + buttons.length) % buttons.length;
    choose(index);
    buttons[index].focus();
  });
  choose(0);
  return el('div', {}, list, ...panels);
}

/** Words out of camelCase, the first letter large. */
export function words(name) {
  const spaced = name.replace(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`).replace(/ id$/, ' ID').trim();
  return spaced[0].toUpperCase() + spaced.slice(1);
}

/** A moment as the reader's clock shows it. */
export function moment(rfc3339) {
  return rfc3339 ? new Date(rfc3339).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' }) : 'not yet';
}

/** A moment in a list: its time, and its date unless that is today. */
export function shortMoment(rfc3339) {
  const then = new Date(rfc3339);
  const isToday = then.toDateString() === new Date().toDateString();
  return isToday ? then.toLocaleTimeString() : then.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
}

/** Seconds as a person says them. */
export function span(seconds) {
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}

/** A list of names and values; values may be elements; those that are null are left out. */
export function facts(pairs) {
  const shown = pairs.filter(([, value]) => value !== null && value !== undefined && value !== '');
  return el('dl', { class: 'facts' }, ...shown.map(([name, value]) => el('div', {}, el('dt', { text: name }), el('dd', {}, value))));
}
