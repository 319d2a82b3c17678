/** The marks of steps as paths: rounded wires, trapezoids, heads of arrows, and a small picture of what a step does. */
import type { StepBox, WirePath } from '../../layout/inside';
import type { Op } from '../../layout/inside/types';
import type { Point } from '../../layout/scene';

const ROUND = 6;

const towards = (from: Point, to: Point, by: number): Point => {
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  return { x: from.x + ((to.x - from.x) * by) / length, y: from.y + ((to.y - from.y) * by) / length };
};

const at = ({ x, y }: Point) => `${Math.round(x * 10) / 10},${Math.round(y * 10) / 10}`;

/** A wire with its corners rounded, each by no more than half of the pieces that meet there. */
export function wirePath({ points, head }: Pick<WirePath, 'points' | 'head'>): string {
  const last = points.length - 1;
  const ended = points.map((point, i) => (i === last && head ? towards(point, points[i - 1] ?? point, 4) : point));
  const parts = ended.map((point, i) => {
    const [before, after] = [ended[i - 1], ended[i + 1]];
    if (!before) return `M${at(point)}`;
    if (!after) return `L${at(point)}`;
    const room = Math.min(
      Math.hypot(point.x - before.x, point.y - before.y),
      Math.hypot(after.x - point.x, after.y - point.y),
    );
    const by = Math.min(ROUND, room / 2);
    return `L${at(towards(point, before, by))} Q${at(point)} ${at(towards(point, after, by))}`;
  });
  return parts.join(' ');
}

/** The head of an arrow at the end of a wire that comes from below. */
export function headPath({ points }: WirePath): string {
  const { x, y } = points.at(-1) ?? { x: 0, y: 0 };
  return `M${x},${y} L${x - 4},${y + 7} L${x + 4},${y + 7} Z`;
}

export function trapezoidPath({ x, y, w, h, from, to }: NonNullable<StepBox['trapezoid']>): string {
  const middle = x + w / 2;
  return `M${middle - to / 2},${y} H${middle + to / 2} L${middle + from / 2},${y + h} H${middle - from / 2} Z`;
}

/** Pictures of 12 by 12 pixels, drawn as lines. */
export const ICONS: Partial<Readonly<Record<Op, string>>> = {
  norm: 'M0,6 H12 M6,0.5 V11.5',
  rotary: 'M10.5,5 A4.8,4.8 0 1 0 10.6,7.6 M11.5,1.5 V5 H8',
  softmax: 'M1,11 V8.5 M4.4,11 V1.5 M7.8,11 V6 M11.2,11 V9.5',
  convolution: 'M0.8,4.5 V1.5 H11.2 V4.5 M6,1.5 V6.2 M1.5,9.6 H2.5 M5.5,9.6 H6.5 M9.5,9.6 H10.5',
  route: 'M6,11.5 V7 L1.2,1 M6,7 V1 M6,7 L10.8,1',
  scores: 'M1,1 V11 H11 Z M4.4,4.4 V11 M7.7,7.7 V11 M1,7.7 H7.7 M1,4.4 H4.4',
  mix: 'M10.5,2.8 V1 H1.8 L6.3,6 L1.8,11 H10.5 V9.2',
  recurrence: 'M2.2,9.4 A5,5 0 1 1 6.5,11 M4,11 L7,8.7 M4,11 L7,13',
};

/** The signs of a multiplication and an addition, about the middle of their circle. */
export const SIGNS: Partial<Readonly<Record<Op, string>>> = {
  multiply: 'M-3.4,-3.4 L3.4,3.4 M-3.4,3.4 L3.4,-3.4',
  add: 'M-4.6,0 H4.6 M0,-4.6 V4.6',
};
