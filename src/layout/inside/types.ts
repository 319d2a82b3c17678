/** What is inside a block, as the reader says it. */

export type Op =
  | 'input'
  | 'output'
  | 'linear'
  | 'norm'
  | 'rotary'
  | 'scores'
  | 'softmax'
  | 'mix'
  | 'activation'
  | 'multiply'
  | 'add'
  | 'convolution'
  | 'recurrence'
  | 'route'
  | 'experts'
  | 'split'
  | 'join'
  | 'other';

/** One step of the computation, as it ran. */
export interface Step {
  readonly name: string;
  readonly op: Op;
  readonly path: string;
  readonly shape: readonly (number | string)[];
  readonly params: number;
  /** Names under which the tensor can be read. */
  readonly taps: readonly string[];
  /** How many operations stand behind it. */
  readonly folded: number;
  /** Whether it runs, and nothing is made of it. */
  readonly unused: boolean;
}

/** A tensor on its way from one step to another; indices of steps. */
export interface Flow {
  readonly source: number;
  readonly target: number;
  readonly label: string;
}

/** The inside of a block: steps in the order in which they ran, inputs first. */
export interface Inside {
  readonly steps: readonly Step[];
  readonly wires: readonly Flow[];
}
