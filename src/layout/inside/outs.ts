/** The line above a step: where its wires leave it, and what is said beside each of them. */
import type { Point } from '../scene';
import { fitting, type Measure } from '../text';
import type { Graph } from './nets';
import type { Words } from './scene';
import { shapeOf } from './shapes';
import type { Step } from './types';

export const PX = 11;
const TAP = 15;

export interface Scale {
  /** Pixels that the largest tensor's bar is wide, and how many numbers that holds. */
  readonly widest: number;
  readonly most: number;
  /** The widest that a step's words get. */
  readonly words: number;
}

export interface Context {
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

export interface Top {
  readonly height: number;
  readonly left: number;
  readonly right: number;
  readonly outs: Map<number, number>;
  readonly words: Words[];
  readonly taps: Point[];
}

export function topOf(index: number, context: Context): Top {
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
