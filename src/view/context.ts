/** What every drawing is given: this view's own state, how to measure and name; and on a page the session it shows. */
import type { Scene } from '../layout';
import type { Measure } from '../layout/text';
import type { Theme, ViewState } from '../state/local';
import type { Session } from '../state/session';
import type { Store } from '../state/store';
import type { Bytes, DecodedFrame } from '../wire/codec';
import type { Architecture, Comparison, How, SessionState } from '../wire/types.generated';
import type { Look } from './look';
import type { Shortcuts } from './shortcuts';

/** What the diagram needs to be drawn: a picture in a file has no more than this. */
export interface Pen {
  readonly state: Store<ViewState>;
  readonly measure: Measure;
  /** Differs between all views on a page: patterns and lists are found by id. */
  readonly uid: string;
}

/** What a picture is taken of: the diagram as a page shows it, with what was measured where there is a model. */
export interface Shot extends Pick<ViewState, 'theme' | 'bound' | 'opened'> {
  readonly architecture: Architecture;
  readonly state: SessionState | null;
  readonly look: Look;
}

/** Saves what a page shows. Who puts the page together gives it: the view draws, and knows nothing of files. */
export interface Pictures {
  /** Put text into a file. */
  file(name: string, text: Bytes): void;
  /** Returns the name of the file. */
  save(shot: Shot, root: Element, as: 'svg' | 'png'): Promise<string>;
  saveComparison(comparison: Comparison, root: Element, theme: Theme, as: 'svg' | 'png'): Promise<string>;
}

export interface View extends Pen {
  /** None where there is no place for a button of its own. */
  readonly pictures: Pictures | null;
  readonly session: Session;
  readonly root: HTMLElement;
  readonly signal: AbortSignal;
  readonly shortcuts: Shortcuts;
  /** Say something to a screen reader. */
  announce(text: string): void;
}

/** A part of the page: drawn when the scene is new, painted when values are. */
export interface Part {
  readonly element: Element;
  draw?(scene: Scene): void;
  paint(look: Look): void;
}

/** What the next click puts in a block's place. */
export function howOf(view: View): How {
  return view.state.value.how ?? view.session.durable.value.state?.how ?? 'zero';
}

/**
 * The frame whose own predictions are shown: that of a sequence that is being written now, by the session or by the
 * user's own code, or one that was gone back to; null where it is a run's, whose predictions are compared.
 */
export function streamed(view: View): DecodedFrame | null {
  const { frame, past } = view.session.page.value;
  const status = view.session.durable.value.state?.status;
  if (!frame || status === undefined) return null;
  if (past) return past.run ? null : frame;
  return status === 'generating' || frame.header.origin === 'outside' ? frame : null;
}

/** What kind of target an address is, as the kernel's sentences tell them apart. */
function targetOf(address: string): string {
  if (/^(\w+\.)?L\d+$/.test(address)) return 'layer';
  const part = /\.(H|KV|E|N)\d+$/.exec(address)?.[1];
  return { H: 'head', KV: 'kv', E: 'expert', N: 'neuron' }[part ?? ''] ?? 'block';
}

const PLURALS: Readonly<Record<string, string>> = {
  layer: 'layers',
  block: 'blocks',
  head: 'heads',
  kv: 'key/value heads',
  expert: 'experts',
  neuron: 'neurons',
};

/** Why a kind, that of a click where none is named, is not for this address; null where it is. */
export function unfit(view: View, address: string, how = howOf(view)): string | null {
  const kind = view.session.durable.value.state?.kinds.find((one) => one.name === how);
  const target = targetOf(address);
  if (!kind || kind.sentences[target] !== undefined) return null;
  const [only, ...more] = Object.keys(kind.sentences);
  const fit = only !== undefined && more.length === 0 ? `for ${PLURALS[only] ?? only}, ` : '';
  return `${how} is ${fit}not for ${PLURALS[target] ?? target}`;
}

/** What a click puts in force, in the kernel's own sentence. */
function sentenceFor(view: View, address: string): string {
  const how = howOf(view);
  const not = unfit(view, address);
  if (not !== null) return `A click does nothing: ${not}`;
  const kind = view.session.durable.value.state?.kinds.find((one) => one.name === how);
  const sentence = kind?.sentences[targetOf(address)];
  return `Click: ${sentence?.replaceAll('{address}', address) ?? how}`;
}

/** What a click does, in words. */
export function actionOf(view: View, look: Look, address: string): string {
  const { state } = view.session.durable.value;
  if (!state) return 'Click: show what is known of it';
  const why = state.unavailable[address];
  if (why !== undefined) return `Cannot be ablated: ${why}`;
  if (!view.session.reachable) return 'Nobody answers: a click does nothing';
  const edits = look.edits(address);
  if (edits.length > 0) return `Click: restore it, without ${edits.map(({ how }) => how).join(' and ')}`;
  return sentenceFor(view, address);
}

/** A click, or its key: select, and where there is a model, ablate or restore. */
export function activate(view: View, address: string, act: string): void {
  view.state.set({ selected: address });
  if (act === 'ablate' && view.session.durable.value.state) view.session.toggle(address, howOf(view));
}
