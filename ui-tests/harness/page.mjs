// In the page: stand-ins for a notebook's models, which stream frames of made-up numbers as the kernel would send them.
// Frames are made before, so that what is measured is the widget's work: a tick copies a frame and hands it over.
import makeWidget from '/widget.js';

/** How many different frames go round. */
const ROUND = 24;

/** As an anywidget model: it answers every request, and takes acknowledgements as the kernel's stream does. */
class StandIn {
  sent = [];
  /** The number of its last frame: a kernel never gives one twice. */
  seq = 0;
  acknowledged = 0;
  #listeners = new Map();

  constructor(traits) {
    this.traits = traits;
  }

  get(key) {
    return this.traits[key] ?? null;
  }

  on(event, callback) {
    this.#listeners.set(event, (this.#listeners.get(event) ?? new Set()).add(callback));
  }

  off(event, callback) {
    this.#listeners.get(event)?.delete(callback);
  }

  send(message) {
    if (message.type === 'ack') this.acknowledged = message.seq;
    else queueMicrotask(() => this.emit('msg:custom', { type: 'reply', id: message.id, ok: true, effect: 'now' }, []));
  }

  emit(event, ...given) {
    for (const callback of [...(this.#listeners.get(event) ?? [])]) callback(...given);
  }

  become(state) {
    this.traits.state = { ...this.traits.state, ...state };
    this.emit('change:state');
  }
}

/** The same numbers at every call: a mulberry32. */
function random(seed) {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** The norm of a site in one frame: those of a stream grow with depth, an expert is chosen or not. */
function normOf({ kind }, share, next) {
  if (kind === 'expert') return next() < 1 / 32 ? 0.125 : 0;
  const size = kind === 'head' ? 1 : kind === 'block' ? 4 : 10;
  return size * (0.5 + 4 * share) * (0.7 + 0.6 * next());
}

/** Buffers of a frame of some positions. */
function buffersOf(layout, positions, seed) {
  const next = random(seed);
  const columns = layout.stats.length;
  const stats = new Float32Array(layout.sites.length * positions * columns);
  layout.sites.forEach((site, row) => {
    for (let position = 0; position < positions; position++) {
      const norm = normOf(site, row / layout.sites.length, next);
      const values = site.kind === 'expert' ? [norm] : [norm, 0, norm / 30, norm / 8, 0];
      for (let i = 0; i < columns; i++) stats[(row * positions + position) * columns + i] = values[i] ?? Number.NaN;
    }
  });
  const updates = new Float32Array(layout.updates.length * positions * 2);
  for (let i = 0; i < updates.length; i += 2) [updates[i], updates[i + 1]] = [0.1 + 0.6 * next(), 2 * next() - 1];
  return [stats.buffer, updates.buffer];
}

const WORDS = ['When', ' Mary', ' and', ' John', ' went', ' to', ' the', ' store', ',', ' gave', ' a', ' drink'];

function headerOf(seq, origin, first, positions) {
  const tokens = Array.from({ length: positions }, (_, i) => WORDS[(first + i) % WORDS.length]);
  const predictions = WORDS.slice(0, 5).map((_, i) => {
    const id = (first + positions + i * 5) % WORDS.length;
    return { token: WORDS[id], id: 100 * i + id, prob: 0.5 / (i + 1) };
  });
  const rest = { interventions: 0, first_nonfinite: null, inside: [], unread: {} };
  return { type: 'frame', seq, missing: 0, origin, first, positions, tokens, predictions, ...rest };
}

/** A model's frames: a prompt first, then one token each. */
class Source {
  #first = 0;
  #round;

  constructor(model, prompt = 16) {
    this.model = model;
    this.prompt = prompt;
    const layout = model.get('frame_layout');
    this.#round = Array.from({ length: ROUND }, (_, i) => buffersOf(layout, 1, i + 1));
    this.opening = buffersOf(layout, prompt, 0);
  }

  #send(origin, first, positions, buffers) {
    this.model.seq += 1;
    const views = buffers.map((buffer) => new DataView(buffer.slice(0)));
    this.model.emit('msg:custom', headerOf(this.model.seq, origin, first, positions), views);
  }

  begin(origin = 'generate') {
    this.#first = this.prompt;
    this.#send(origin, 0, this.prompt, this.opening);
  }

  /** The next token, unless the page has not drawn the last one: then the kernel would let it wait. */
  next() {
    if (this.model.acknowledged < this.model.seq) return false;
    this.#send('generate', this.#first, 1, this.#round[this.#first % ROUND]);
    this.#first += 1;
    return true;
  }
}

const painted = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0)));
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Put a widget on the page; resolves to its model and how long it took until it was painted. */
export async function mount(traits, width = null) {
  const model = new StandIn(traits);
  const el = document.createElement('div');
  if (width) el.style.width = `${width}px`;
  document.body.append(el);
  const controller = new AbortController();
  performance.mark('gb-tick');
  const start = performance.now();
  const widget = makeWidget();
  widget.initialize({ model, signal: controller.signal });
  widget.render({ model, el, signal: controller.signal });
  const scripted = performance.now() - start;
  await painted();
  performance.mark('gb-end');
  return { model, el, scripted, painted: performance.now() - start, close: () => controller.abort() };
}

/** Stream to some models at once, so many times a second; resolves to how many frames were sent, and how many held back. */
export async function stream(models, { hz = 30, frames = 300 } = {}) {
  const sources = models.map((model) => new Source(model));
  for (const { model } of sources) model.become({ status: 'generating' });
  for (const source of sources) source.begin();
  await wait(300);
  let [sent, held] = [0, 0];
  const start = performance.now();
  for (let i = 0; i < frames; i++) {
    await wait(Math.max(0, start + (i * 1000) / hz - performance.now()));
    performance.mark('gb-tick');
    for (const source of sources) source.next() ? sent++ : held++;
  }
  await wait(100);
  performance.mark('gb-end');
  return { sent, held, seconds: (performance.now() - start) / 1000 };
}

const nameOf = (node) => `${node?.nodeName ?? '?'}.${node?.getAttribute?.('class') ?? ''}`;

/** How much the page moved by itself since this was called the first time. */
export function watchShifts() {
  globalThis.shifts = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const nodes = entry.sources.map(({ node }) => `${nameOf(node?.parentElement)} > ${nameOf(node)}`);
      globalThis.shifts.push({ value: entry.value, nodes });
    }
  }).observe({ type: 'layout-shift', buffered: false });
}

globalThis.harness = { mount, stream, watchShifts, StandIn, Source };
