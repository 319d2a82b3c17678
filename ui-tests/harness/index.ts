// A page with nothing on it but widgets over stand-ins for a kernel: what the page itself costs, and what it does with
// numbers that are known. It needs neither Jupyter nor Python, only the built page (`npm run build:page`).
import { readFileSync, statSync } from 'node:fs';
import * as path from 'node:path';
import type { Browser, CDPSession, Page } from '@playwright/test';
import { architecture, type FixtureName, frameLayout, sessionState } from '../../src/fixtures';
import type { Architecture, FrameLayout, SessionState } from '../../src/wire/types.generated';

const STATIC = path.join(__dirname, '../../python_pkg/glassblock/static');
const HOST = 'http://glassblock.test';
const TYPES: Record<string, string> = { js: 'text/javascript', mjs: 'text/javascript', css: 'text/css' };
const HTML = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Glassblock</title>
<link rel="stylesheet" href="/widget.css"><body style="margin:8px"><script type="module" src="/page.mjs"></script>`;

export interface Traits {
  readonly architecture: Architecture;
  readonly frame_layout: FrameLayout | null;
  readonly state: SessionState | null;
}

/** What a live session over an architecture shares with its page. */
export function traitsOf(of: Architecture): Traits {
  return { architecture: of, frame_layout: frameLayout(of), state: { ...sessionState(), run: null } };
}

export const fixture = (name: FixtureName): Traits => traitsOf(architecture(name));

/** Llama with so many layers, of 32 heads each. */
export function deep(layers: number): Traits {
  const of = architecture('llama');
  const stacks = of.stacks.map((stack) => ({
    ...stack,
    groups: stack.groups.map((group) => ({ ...group, layers: Array.from({ length: layers }, (_, i) => i) })),
  }));
  return traitsOf({ ...of, stacks });
}

/** Open the page. */
export async function openHarness(page: Page): Promise<void> {
  await page.route(`${HOST}/**`, (route) => {
    const name = new URL(route.request().url()).pathname.slice(1);
    if (name === '') return route.fulfill({ contentType: 'text/html', body: HTML });
    const [folder, type] = [name === 'page.mjs' ? __dirname : STATIC, TYPES[name.split('.').pop() ?? '']];
    return type ? route.fulfill({ contentType: type, body: readFileSync(path.join(folder, name)) }) : route.abort();
  });
  await page.goto(`${HOST}/`);
  await page.waitForFunction(() => 'harness' in globalThis);
}

interface InPage {
  mount(traits: Traits, width?: number): Promise<{ model: unknown; scripted: number; painted: number }>;
  stream(models: unknown[], of: { hz: number; frames: number }): Promise<Streamed>;
  watchShifts(): void;
}
type Global = typeof globalThis & { harness: InPage; models: unknown[]; shifts: Shift[] };

export interface Streamed {
  readonly sent: number;
  /** Ticks at which the page had not drawn the frame before. */
  readonly held: number;
  readonly seconds: number;
}

export interface Shift {
  readonly value: number;
  readonly nodes: readonly string[];
}

/** Mount a widget; returns milliseconds of script, and until it was painted. */
export async function mount(
  page: Page,
  traits: Traits,
  width?: number,
): Promise<{ scripted: number; painted: number }> {
  return page.evaluate(
    async ([given, wide]) => {
      const here = globalThis as Global;
      const { model, scripted, painted } = await here.harness.mount(given as Traits, wide ?? undefined);
      here.models = [...(here.models ?? []), model];
      return { scripted, painted };
    },
    [traits, width ?? null] as const,
  );
}

/** Stream to every widget of the page. */
export async function stream(page: Page, of: { hz: number; frames: number }): Promise<Streamed> {
  return page.evaluate((given) => (globalThis as Global).harness.stream((globalThis as Global).models, given), of);
}

/** What moved on the page while something was done. */
export async function shiftsWhile(page: Page, act: () => Promise<unknown>): Promise<readonly Shift[]> {
  await page.evaluate(() => (globalThis as Global).harness.watchShifts());
  await act();
  return page.evaluate(() => (globalThis as Global).shifts);
}

/** What a page holds after a collection. */
export interface Held {
  /** JavaScript's objects, in MB. */
  readonly megabytes: number;
  /** What its buffers hold, the numbers of the frames that are kept, in MB: no objects, and on no heap. */
  readonly buffers: number;
  /** Without those of the text's tokens, of which there are as many as there happen to be when it is counted. */
  readonly nodes: number;
  readonly listeners: number;
}

export async function heapOf(page: Page, cdp: CDPSession): Promise<Held> {
  await cdp.send('Performance.enable');
  for (let i = 0; i < 2; i++) await cdp.send('HeapProfiler.collectGarbage');
  const { metrics } = await cdp.send('Performance.getMetrics');
  const value = (name: string) => metrics.find((one) => one.name === name)?.value ?? Number.NaN;
  const { usedSize, backingStorageSize } = (await cdp.send('Runtime.getHeapUsage')) as Record<string, number>;
  const [megabytes, buffers] = [usedSize, backingStorageSize].map((bytes = Number.NaN) => bytes / 2 ** 20);
  // An element each, and its text. Not by a locator, which listens to the page from then on.
  const tokens = 2 * (await page.evaluate(() => document.querySelectorAll('.gb-token').length));
  return {
    megabytes: megabytes ?? Number.NaN,
    buffers: buffers ?? Number.NaN,
    nodes: value('Nodes') - tokens,
    listeners: value('JSEventListeners'),
  };
}

export const sizeOf = (name: string): number => statSync(path.join(STATIC, name)).size;

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly ts: number;
  readonly dur?: number;
  readonly tdur?: number;
  readonly pid: number;
  readonly tid: number;
}

/** What the page's main thread did for one frame, in milliseconds of its processor. */
export interface Spent {
  /** All its tasks: script, style, layout, paint, collecting garbage. */
  readonly all: number;
  /** The same by the clock: it waits for other threads, and for other programs where they share the machine. */
  readonly wall: number;
  readonly script: number;
  readonly style: number;
  readonly paint: number;
}

const SCRIPT = new Set(['FunctionCall', 'FireAnimationFrame', 'TimerFire', 'RunMicrotasks', 'v8.callFunction']);
const STYLE = new Set(['UpdateLayoutTree', 'Layout']);
const PAINT = new Set(['PrePaint', 'Paint', 'Layerize', 'Commit']);

/** Outermost events of some names: what is within one of them is not counted again. */
function outer(events: readonly TraceEvent[], names: ReadonlySet<string>): TraceEvent[] {
  let end = 0;
  return events.filter(({ name, ts, dur = 0 }) => {
    if (!names.has(name) || ts < end) return false;
    end = ts + dur;
    return true;
  });
}

/** Trace the page while it streams. What is counted of a frame is what the main thread did from its tick to the next. */
export async function traced(browser: Browser, page: Page, act: () => Promise<unknown>): Promise<Spent[]> {
  const categories = ['toplevel', 'devtools.timeline', 'disabled-by-default-devtools.timeline', 'blink.user_timing'];
  await browser.startTracing(page, { categories });
  await act();
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
  const marks = traceEvents.filter(({ name }) => name === 'gb-tick' || name === 'gb-end').sort((a, b) => a.ts - b.ts);
  const [first] = marks;
  if (!first) throw new Error('expected marks of frames in the trace, got none: was anything streamed?');
  const events = traceEvents
    .filter(({ ph, pid, tid }) => ph === 'X' && pid === first.pid && tid === first.tid)
    .sort((a, b) => a.ts - b.ts || (b.dur ?? 0) - (a.dur ?? 0));
  // A nested task is within an outer one, whose time it is part of.
  const tasks = outer(events, new Set(['ThreadControllerImpl::RunTask', 'RunTask']));
  const kinds = [tasks, outer(events, SCRIPT), outer(events, STYLE), outer(events, PAINT)] as const;
  // On a busy machine the clock of a thread may be late and then jump: nothing took more of the processor than of the time.
  const spent = ({ dur = 0, tdur = 0 }: TraceEvent) => Math.min(dur, tdur);
  const waited = ({ dur = 0 }: TraceEvent) => dur;
  const within = (of: readonly TraceEvent[], from: number, to: number, time = spent) =>
    of.filter(({ ts }) => from <= ts && ts < to).reduce((sum, one) => sum + time(one), 0) / 1000;
  return marks.slice(0, -1).map(({ ts }, i) => {
    const to = marks[i + 1]?.ts ?? ts;
    // The tick's own task began before its mark.
    const task = tasks.find((one) => one.ts <= ts && ts < one.ts + (one.dur ?? 0));
    const from = task?.ts ?? ts;
    const next = tasks.find((one) => one.ts <= to && to < one.ts + (one.dur ?? 0))?.ts ?? to;
    const [all = 0, script = 0, style = 0, paint = 0] = kinds.map((of) => within(of, from, next));
    return { all, wall: within(tasks, from, next, waited), script, style, paint };
  });
}

/** A share of the way through some numbers, in order. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))] ?? Number.NaN;
}
