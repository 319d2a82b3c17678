/**
 * How large each step is drawn, and what is where in it, before it is known where it stands: places are from the middle
 * of its wire and from its upper edge.
 */
import { big } from '../format';
import type { Point, Rect } from '../scene';
import { fitting, type Measure } from '../text';
import type { Graph } from './nets';
import type { Form, Words } from './scene';
import { shapeOf, sizeOf } from './shapes';
import type { Op, Step } from './types';

export interface Sized {
  readonly form: Form;
  readonly left: number;
  readonly right: number;
  readonly height: number;
  /** How far from the middle wires may come in from below. */
  readonly reach: number;
  /** For each net that leaves it, how far from the middle. */
  readonly outs: ReadonlyMap<number, number>;
  readonly body: Rect;
  readonly trapezoid: (Rect & { readonly from: number; readonly to: number }) | null;
  readonly words: readonly Words[];
  readonly icon: Point | null;
  readonly taps: readonly Point[];
}

const FORMS: Readonly<Record<Op, Form>> = {
  input: 'bar',
  output: 'bar',
  linear: 'linear',
  norm: 'pill',
  rotary: 'pill',
  softmax: 'pill',
  activation: 'pill',
  convolution: 'pill',
  route: 'pill',
  scores: 'box',
  mix: 'box',
  multiply: 'sign',
  add: 'sign',
  recurrence: 'loop',
  experts: 'stack',
  split: 'rail',
  join: 'rail',
  other: 'plain',
};

/** Steps with a picture of what they do before their name. */
const PICTURED: ReadonlySet<Op> = new Set<Op>([
  'norm',
  'rotary',
  'softmax',
  'convolution',
  'route',
  'scores',
  'mix',
  'recurrence',
]);

const PX = 11;
const BAR = 18;
const TRAPEZOID = 32;
const TAP = 15;
const SIGN = 8;
const LEAST = 10;

export interface Scale {
  /** Pixels that the largest tensor's bar is wide, and how many numbers that holds. */
  readonly widest: number;
  readonly most: number;
  /** The widest that a step's words get. */
  readonly words: number;
}

/** The square root of the dimension: an area of the trapezoid then grows as the parameters do, and small ones are seen. */
const barWidth = (size: number, { widest, most }: Scale) =>
  Math.max(LEAST, Math.round(widest * Math.sqrt(size / Math.max(1, most))));

interface Context {
  readonly steps: readonly Step[];
  readonly graph: Graph;
  readonly scale: Scale;
  readonly measure: Measure;
  /** A second line for experts: how many there are, and how many run. */
  readonly experts: string;
}

/** Fonts of code are as wide as they are: three fifths of their size a sign. */
const monoWidth = (text: string, measure: Measure) => Math.max(measure(text, PX, 400), text.length * PX * 0.605);

interface Out {
  readonly net: number;
  readonly words: readonly { readonly text: string; readonly look: 'tap' | 'quiet'; readonly w: number }[];
  readonly w: number;
}

/** What is said beside each wire that leaves a step: its name, the names under which it can be read, its new shape. */
function outsOf(index: number, { steps, graph, measure, scale }: Context): Out[] {
  const step = steps[index] as Step;
  const nets = graph.netsOf[index] ?? [];
  const before = steps[graph.reads[index]?.[0] ?? -1];
  const said = ['linear', 'input', 'output'].includes(step.op) || nets.length > 1;
  const shape = !said && before && shapeOf(before.shape) !== shapeOf(step.shape) ? shapeOf(step.shape) : '';
  const labels = nets.map((net) => graph.nets[net]?.label ?? '');
  const taps = step.taps.filter((tap) => !labels.includes(tap));
  return (nets.length > 0 ? nets : [-1]).map((net, i): Out => {
    const label = labels[i] ?? '';
    // Of several outputs nobody says which one another name is of.
    const others = nets.length > 1 ? [] : taps;
    const mine = [...(step.taps.includes(label) ? [label] : []), ...others].join(', ');
    const quiet = [step.taps.includes(label) ? '' : label, i === 0 ? shape : ''].filter((one) => one !== '').join(' ');
    const words = [
      ...(mine === ''
        ? []
        : [{ look: 'tap' as const, text: fitting([mine], scale.words, (one) => monoWidth(one, measure)) }]),
      ...(quiet === '' ? [] : [{ look: 'quiet' as const, text: fitting([quiet, shape], scale.words, measure) }]),
    ].map((one) => ({ ...one, w: one.look === 'tap' ? monoWidth(one.text, measure) : measure(one.text, PX, 400) }));
    return { net, words, w: words.reduce((sum, one) => sum + one.w + 6, 0) };
  });
}

interface Top {
  readonly height: number;
  readonly left: number;
  readonly right: number;
  readonly outs: Map<number, number>;
  readonly words: Words[];
  readonly taps: Point[];
}

/** The line above a step: where its wires leave, and what is said beside them. */
function topOf(index: number, context: Context): Top {
  const outs = outsOf(index, context);
  const height = outs.some((out) => out.words.length > 0) ? TAP : 0;
  const wide = outs.map((out) => 2 * Math.ceil(Math.max(18, out.w + 12) / 2));
  const all = outs.length === 1 ? 0 : wide.reduce((sum, one) => sum + one, 0);
  const top: Top = {
    height,
    left: all / 2,
    right: outs.length === 1 ? (outs[0]?.w ?? 0) : all / 2,
    outs: new Map(),
    words: [],
    taps: [],
  };
  let x = -all / 2 + (outs.length === 1 ? 0 : 6);
  outs.forEach((out, i) => {
    if (out.net >= 0) top.outs.set(out.net, x);
    if (out.words.some(({ look }) => look === 'tap')) top.taps.push({ x, y: 7 });
    let at = x + 6;
    for (const { text, look, w } of out.words) {
      top.words.push({ text, look, w, x: at, y: 11, anchor: 'start' });
      at += w + 6;
    }
    x += wide[i] ?? 0;
  });
  return top;
}

type Body = Omit<Sized, 'form' | 'outs' | 'taps'>;

/** A tensor's bar with its shape in it, or beside it where it has no room. */
function tensorBar(shape: string, w: number, y: number, measure: Measure): { words: Words[]; right: number } {
  const wide = measure(shape, PX, 600);
  if (shape === '') return { words: [], right: w / 2 };
  if (wide + 8 <= w) {
    return { words: [{ text: shape, look: 'on', w: wide, x: 0, y: y + 13, anchor: 'middle' }], right: w / 2 };
  }
  const beside = measure(shape, PX, 400);
  return {
    words: [{ text: shape, look: 'name', w: beside, x: w / 2 + 5, y: y + 13, anchor: 'start' }],
    right: w / 2 + 5 + beside,
  };
}

function barBody(step: Step, { scale, measure }: Context): Body {
  const w = barWidth(sizeOf(step.shape), scale);
  const bar = tensorBar(shapeOf(step.shape), w, 0, measure);
  const text = fitting([step.name], scale.words, measure);
  const wide = measure(text, PX, 400);
  return {
    left: w / 2,
    right: bar.right + 6 + wide,
    height: BAR,
    reach: w / 2 - 4,
    body: { x: -w / 2, y: 0, w, h: BAR },
    trapezoid: null,
    words: [...bar.words, { text, look: 'quiet', w: wide, x: bar.right + 6, y: 13, anchor: 'start' }],
    icon: null,
  };
}

function linearBody(index: number, { steps, graph, scale, measure }: Context): Body {
  const step = steps[index] as Step;
  const before = steps[graph.reads[index]?.[0] ?? -1] ?? step;
  const [to, from] = [barWidth(sizeOf(step.shape), scale), barWidth(sizeOf(before.shape), scale)];
  const bar = tensorBar(shapeOf(step.shape), to, 0, measure);
  const lines = [fitting([step.name], scale.words, measure), step.params > 0 ? big(step.params) : ''];
  const words = lines.map((text, i): Words => {
    const w = measure(text, PX, 400);
    return { text, look: i === 0 ? 'name' : 'quiet', w, x: 0, y: BAR + 13 + i * 14, anchor: 'middle' };
  });
  const half = Math.max(to, from, ...words.map(({ w }) => w)) / 2;
  return {
    left: half,
    right: Math.max(half, bar.right),
    height: BAR + TRAPEZOID,
    reach: from / 2 - 3,
    body: { x: -to / 2, y: 0, w: to, h: BAR },
    trapezoid: { x: -Math.max(to, from) / 2, y: BAR, w: Math.max(to, from), h: TRAPEZOID, from, to },
    words: [...bar.words, ...words.filter(({ text }) => text !== '')],
    icon: null,
  };
}

function signBody(): Body {
  const half = 20;
  return {
    left: half,
    right: half,
    height: 2 * SIGN + 2,
    reach: 0,
    body: { x: -SIGN, y: 1, w: 2 * SIGN, h: 2 * SIGN },
    trapezoid: null,
    words: [],
    icon: null,
  };
}

function railBody(top: Top): Body {
  const half = Math.max(16, top.left, ...[...top.outs.values()].map((x) => Math.abs(x) + 8));
  return {
    left: half,
    right: half,
    height: 5,
    reach: half - 6,
    body: { x: -half, y: 0, w: 2 * half, h: 5 },
    trapezoid: null,
    words: [],
    icon: null,
  };
}

const HEIGHTS: Partial<Record<Form, number>> = { pill: 20, plain: 22, box: 24, loop: 36, stack: 40 };

/** A box with its name in it, and under it in the larger ones a second line. */
function namedBody(step: Step, form: Form, { scale, measure, experts }: Context): Body {
  const h = (HEIGHTS[form] ?? 22) + (form === 'plain' && step.params > 0 ? 12 : 0);
  const params = step.params > 0 ? big(step.params) : '';
  const second = form === 'stack' && experts !== '' ? experts : form === 'plain' || form === 'stack' ? params : '';
  const text = fitting([step.name], scale.words, measure, PX, h > 30 ? 600 : 400);
  const under = fitting([second], scale.words, measure);
  const icon = PICTURED.has(step.op) ? 17 : 0;
  const wide = measure(text, PX, h > 30 ? 600 : 400);
  const wider = Math.max(wide, measure(under, PX, 400));
  const w = Math.ceil(Math.max(34, wider + icon + 18));
  const middle = icon / 2;
  const first = under === '' ? h / 2 + 4 : h / 2 - 3;
  const words: Words[] = [{ text, look: 'name', w: wide, x: middle, y: first, anchor: 'middle' }];
  if (under !== '')
    words.push({ text: under, look: 'quiet', w: measure(under, PX, 400), x: middle, y: first + 14, anchor: 'middle' });
  // The stack's sheets behind the first one.
  const behind = form === 'stack' ? 6 : 0;
  return {
    left: w / 2,
    right: w / 2 + behind,
    height: h + behind,
    reach: w / 2 - 8,
    body: { x: -w / 2, y: behind, w, h },
    trapezoid: null,
    words: words.map((one) => ({ ...one, y: one.y + behind })),
    icon: icon > 0 ? { x: -w / 2 + 9, y: h / 2 - 6 } : null,
  };
}

function bodyOf(index: number, form: Form, top: Top, context: Context): Body {
  const step = context.steps[index] as Step;
  if (form === 'bar') return barBody(step, context);
  if (form === 'linear') return linearBody(index, context);
  if (form === 'sign') return signBody();
  if (form === 'rail') return railBody(top);
  return namedBody(step, form, context);
}

const lower = <P extends Point>(point: P, by: number): P => ({ ...point, y: point.y + by });

/** The size of a step: its body, and above it the line where its wires leave. */
export function sizeStep(index: number, context: Context): Sized {
  const form = FORMS[(context.steps[index] as Step).op] ?? 'plain';
  const top = topOf(index, context);
  const body = bodyOf(index, form, top, context);
  return {
    form,
    left: Math.max(body.left, top.left),
    right: Math.max(body.right, top.right),
    height: top.height + body.height,
    reach: Math.max(0, body.reach),
    outs: top.outs,
    body: lower(body.body, top.height),
    trapezoid: body.trapezoid && lower(body.trapezoid, top.height),
    words: [...top.words, ...body.words.map((one) => lower(one, top.height))],
    icon: body.icon && lower(body.icon, top.height),
    taps: top.taps,
  };
}
