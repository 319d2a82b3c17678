/**
 * How large each step is drawn, and what is where in it, before it is known where it stands: places are from the middle
 * of its wire and from its upper edge.
 */
import { big } from '../format';
import type { Point, Rect } from '../scene';
import { fitting, type Measure } from '../text';
import { type Context, PX, type Scale, type Top, topOf } from './outs';
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

const BAR = 18;
const TRAPEZOID = 32;
const SIGN = 8;
const LEAST = 10;

/** The square root of the dimension: an area of the trapezoid then grows as the parameters do, and small ones are seen. */
const barWidth = (size: number, { widest, most }: Scale) =>
  Math.max(LEAST, Math.round(widest * Math.sqrt(size / Math.max(1, most))));

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
