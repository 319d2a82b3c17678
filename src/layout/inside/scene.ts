/** What the layout of a block's inside says: where each step and wire is, in CSS pixels, with y downwards. */
import type { Point, Rect } from '../scene';
import type { Step } from './types';

/**
 * How a step is drawn. `bar`: a tensor that comes or goes; `linear`: a trapezoid from the width that goes in to a bar as
 * wide as what comes out; `pill`: a function of one tensor; `sign`: a circle on the wire; `box`: what mixes tokens;
 * `loop`: what carries a state; `stack`: experts; `rail`: where a tensor is cut or put together; `plain`: anything else.
 */
export type Form = 'bar' | 'linear' | 'pill' | 'sign' | 'box' | 'loop' | 'stack' | 'rail' | 'plain';

/** Text of 11 px. `on`: on a filled bar; `tap`: in the font of code. */
export interface Words extends Point {
  readonly text: string;
  readonly anchor: 'start' | 'middle';
  readonly look: 'name' | 'quiet' | 'tap' | 'on';
  readonly w: number;
}

export interface StepBox extends Rect {
  /** Which of the steps it is. */
  readonly index: number;
  readonly step: Step;
  readonly form: Form;
  /** Where the wire runs through it. */
  readonly cx: number;
  /** What is drawn, without the words around it. */
  readonly body: Rect;
  /** Widths of a trapezoid at its lower and upper edge, as they are drawn; null where it is none. */
  readonly trapezoid: (Rect & { readonly from: number; readonly to: number }) | null;
  readonly words: readonly Words[];
  /** The upper left corner of a picture of what it does, 12 pixels wide and high; null where it has none. */
  readonly icon: Point | null;
  /** Where its output leaves, for a dot that says that the tensor can be read. */
  readonly taps: readonly Point[];
  readonly row: number;
}

export interface WirePath {
  readonly key: string;
  readonly source: number;
  readonly target: number;
  readonly points: readonly Point[];
  /** Whether it ends in an arrow's head. */
  readonly head: boolean;
}

/** A level line between the edge of a block and what comes in or goes out. */
export interface Lead {
  readonly y: number;
  readonly from: number;
  readonly to: number;
}

export interface InsideScene {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly StepBox[];
  readonly wires: readonly WirePath[];
}
