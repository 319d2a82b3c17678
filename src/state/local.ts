/**
 * State that is the page's own and that Python never sees. `Page` is one for each model, shared by its views: what came
 * over the wire and is not in a trait. `ViewState` is one for each view: where a person is looking.
 */
import type { Bytes, DecodedFrame } from '../wire/codec';
import type { Numbers } from '../wire/numbers';
import type { Effect, Effects, How } from '../wire/types.generated';
import type { Moment } from './moment';

/** `live`: the kernel answered. `silent`: it did not, so far. `gone`: the connection was closed. `recorded`: there is none. */
export type Connection = 'unknown' | 'live' | 'silent' | 'gone' | 'recorded';

/** A sweep: all its rows so far. */
export type Sweep = Omit<Effects, 'type' | 'first' | 'rows'> & { readonly rows: readonly Effect[] };

/** A matrix: of which mixer and run, and once they are there its numbers, or why there are none. */
export interface AskedMatrix {
  readonly name: string;
  readonly run: number | null;
  readonly numbers: Numbers | null;
  readonly why: string | null;
}

export interface Page {
  readonly connection: Connection;
  /** The frame that is shown: the newest, unless time was stopped (`timeline.ts`). */
  readonly frame: DecodedFrame | null;
  /** The newest frame of a run without interventions, when the shown one came. */
  readonly clean: DecodedFrame | null;
  /** The newest frame of any other forward pass, when the shown one came. */
  readonly edited: DecodedFrame | null;
  /** The tokens of its sequence up to the end of it, as far as frames told them. */
  readonly tokens: readonly (string | null)[];
  /** What was known when the shown frame came, where time was stopped; null where the newest is shown. */
  readonly past: Moment | null;
  /** What was asked for and is not yet in `state`: by address the kind, null where it is restored. */
  readonly pending: ReadonlyMap<string, How | null>;
  /** How far the kernel is with a page that was asked for; null where it makes none. */
  readonly saving: { readonly id: number; readonly done: number; readonly total: number } | null;
  /** A page that the kernel has made, until somebody has put it into a file. */
  readonly file: { readonly name: string; readonly text: Bytes } | null;
  /** What went wrong last, in words. */
  readonly alert: string | null;
  /** The problem of the kernel's that was read and put away; another one is shown again. */
  readonly dismissed: string | null;
  /** What is worth knowing about the last action and is no failure. */
  readonly note: string | null;
  /** The newest sweep, as far as it came. */
  readonly sweep: Sweep | null;
  /** The matrix of a linear mixer that was asked for last. */
  readonly matrix: AskedMatrix | null;
}

export const EMPTY_PAGE: Page = {
  connection: 'unknown',
  frame: null,
  clean: null,
  edited: null,
  tokens: [],
  past: null,
  pending: new Map(),
  saving: null,
  file: null,
  alert: null,
  dismissed: null,
  note: null,
  sweep: null,
  matrix: null,
};

export type Theme = 'light' | 'dark';
/** What tokens x layers shows: the stream's norm, how far it is from the clean run; updates' sizes, and their cosines. */
export type HeatOf = 'norm' | 'change' | 'update' | 'cosine';
/** What is on the stage: the model, or one thing of it that has a picture of its own. */
export type StageName = 'diagram' | 'experts' | 'sweep';
/** What an expert's colour says. */
export type ExpertsOf = 'load' | 'weight';

/** A token that was chosen. Its name says whether the text at its place is still that one. */
export interface ChosenToken {
  readonly place: number;
  readonly name: string | null;
}

export interface ViewState {
  /** The address that is selected, or null. */
  readonly selected: string | null;
  /** For each group (see `groupKey`), the layer its card is bound to. */
  readonly bound: Readonly<Record<string, number>>;
  readonly theme: Theme;
  /** What else the host says of colours: the ground that the view stands on, and whether contrast is to be strong. */
  readonly ground: string;
  /** CSS pixels that the view has. */
  readonly width: number;
  /** What the next click puts in a block's place; null follows the session. */
  readonly how: How | null;
  readonly heat: HeatOf;
  /** What was asked for; `stageOf` says what is there, for not every stage applies to every model. */
  readonly stage: StageName;
  readonly experts: ExpertsOf;
  /** What is chosen together with Shift or Ctrl, in the order in which it was chosen. */
  readonly chosen: readonly string[];
  /** Whether the diagram shows the clean run, although something is ablated. */
  readonly compare: boolean;
  /** Ids of the tokens whose logits are compared; fewer than two: the prediction and its rival. */
  readonly pair: readonly number[];
  /** The address of the block that shows its inside in the diagram, or null. */
  readonly opened: string | null;
  /** What is searched for: the kind that it names is marked in the diagram. */
  readonly query: string;
  /** Where a person asked to be taken; a new object each time. */
  readonly goal: { readonly address: string } | null;
  /** Whether everything is larger and plainer, to be read from the back of a room. */
  readonly projector: boolean;
  /** Whether the diagram stands there as a table. */
  readonly table: boolean;
  /** How often a person asked for new scales. */
  readonly rescaled: number;
  /** The token whose values are shown, by its place in the sequence and its name; null: the last. */
  readonly token: ChosenToken | null;
}

export const FIRST_VIEW: ViewState = {
  selected: null,
  bound: {},
  theme: 'light',
  ground: '',
  width: 1076,
  how: null,
  heat: 'norm',
  stage: 'diagram',
  experts: 'load',
  chosen: [],
  compare: false,
  opened: null,
  pair: [],
  query: '',
  goal: null,
  projector: false,
  table: false,
  rescaled: 0,
  token: null,
};
