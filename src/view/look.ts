/** What there is to see of each address now: one answer for every drawing, worked out once for each repaint. */
import { group } from 'd3-array';
import type { Durable } from '../state/durable';
import { type ChosenToken, FIRST_VIEW, type Page, type ViewState } from '../state/local';
import { change, comparable, LayoutIndex, Readings, type Update } from '../state/readings';
import { fillLimits, type Limits, robustLimits, routingWeights, Scales } from '../state/scale';
import type { DecodedFrame } from '../wire/codec';
import type { FrameLayout, How, Intervention, RunSummary } from '../wire/types.generated';

export interface Look {
  readonly live: boolean;
  /** The scale of fills. */
  readonly limits: Limits | null;
  /** Those of routing weights; null where there are none. */
  readonly weights: Limits | null;
  /** Another scale of the sequence that is shown, made where there is none of this name yet. */
  scale(name: string, make: () => Limits | null): Limits | null;
  readonly now: Readings | null;
  readonly clean: Readings | null;
  /** All that is in force, also where the clean run is shown. */
  readonly interventions: readonly Intervention[];
  /** The run that the shown frame is of; null for one that no run was made of, such as a token of a generation. */
  readonly run: RunSummary | null;
  /** The token whose values are shown; null where no frame is. */
  readonly token: ShownToken | null;
  /** Whose values are shown. */
  readonly shows: Shown;
  norm(address: string): number;
  update(address: string): Update | null;
  /** Share by which an address is off the clean run; 0 exactly unchanged, NaN where there is nothing to compare. */
  change(address: string): number;
  /** How the address itself is ablated. */
  ablated(address: string): How | null;
  /** All that is done to the address itself, in the order in which it is done. */
  edits(address: string): readonly Intervention[];
  /** What is in force on it or on what contains it. */
  inForce(address: string): readonly Intervention[];
  /** Whether anything is in force on it or inside of it. */
  touched(address: string): boolean;
  /** How it, or what contains it, is ablated. */
  cut(address: string): How | null;
  /** Whether some of its values at the shown token are infinite or no numbers. */
  nonfinite(address: string): boolean;
  /** Whether it is not read any more, because that failed. */
  unread(address: string): boolean;
  /** What was asked for it and is not yet done: a kind, null for its restoration, undefined where nothing was. */
  pending(address: string): How | null | undefined;
  isExpert(address: string): boolean;
  /** After how many ms its ring appears: what an ablation changes goes up through the layers. */
  wave(address: string): number;
  /** By how much of its probability the prediction has moved, 0 to 1; NaN where there is nothing to compare. */
  readonly moved: number;
}

/** What a person chose to look at. */
type Looking = Pick<ViewState, 'token' | 'compare' | 'rescaled'>;

/** One token of the shown frame. */
export interface ShownToken extends ChosenToken {
  /** Its position in the frame. */
  readonly position: number;
  /** Whether it is the last of the frame. */
  readonly last: boolean;
}

/** The token that was chosen, where the frame still has it; else its last. */
function shownToken({ header }: DecodedFrame, chosen: ChosenToken | null): ShownToken {
  const at = chosen ? chosen.place - header.first : -1;
  const last = header.positions - 1;
  const holds = chosen !== null && at >= 0 && at <= last && (header.tokens[at] ?? null) === chosen.name;
  const position = holds ? at : last;
  return { place: header.first + position, name: header.tokens[position] ?? null, position, last: position === last };
}

/** The run that is shown: nothing is ablated, or something is and its effect is shown, or what it is compared with. */
export type Shown = 'only' | 'changed' | 'clean';

/**
 * Which frame belongs to the interventions in force. The frames of a clean run and of an edited one come one after the
 * other, and `state` between or after them: the newest frame alone would show the wrong run for a moment.
 */
function shownFrame({ frame, clean, edited, past }: Page, ablated: boolean): DecodedFrame | null {
  if (!frame || past) return frame;
  const other = ablated ? edited : clean;
  const wrong = ablated === (frame === clean);
  return wrong && other && comparable(other, frame) ? other : frame;
}

/** Half the sum of the differences, over the candidates that are known: a lower bound of the total variation. */
function movedBy(run: RunSummary | null): number {
  const compared = run?.candidates.filter((one) => one.delta_prob !== null) ?? [];
  if (compared.length === 0) return Number.NaN;
  return compared.reduce((sum, one) => sum + Math.abs(one.delta_prob ?? 0), 0) / 2;
}

const within = new Map<string, readonly string[]>();

/** `L3.attn.H7` is within `L3.attn`, which is within `L3`. It is asked for all that is drawn, at each frame. */
function containers(address: string): readonly string[] {
  const known = within.get(address);
  if (known) return known;
  const words = address.split('.');
  const found = words.map((_, i) => words.slice(0, i + 1).join('.'));
  within.set(address, found);
  return found;
}

/** How an address is ablated, or the outermost of what contains it. */
function outermost(cut: ReadonlyMap<string, How>, address: string): How | null {
  const found = containers(address).find((one) => cut.has(one));
  return found === undefined ? null : (cut.get(found) ?? null);
}

/** Kinds that put something else in the place of a value. */
const REPLACING = new Set<How>(['zero', 'mean', 'resample', 'freeze', 'skip']);

/** Whether a value is replaced at some tokens and kept at others. */
export function inPart({ how, cut }: Intervention): boolean {
  return !cut && REPLACING.has(how);
}

/** What is done, by name: `scale, zero at some tokens`. */
export function namesOf(interventions: readonly Intervention[]): string {
  return interventions.map((one) => (inPart(one) ? `${one.how} at some tokens` : one.how)).join(', ');
}

/** What the changed run is: ablated where nothing of any value was kept, else edited. */
export function changedWord(interventions: readonly Intervention[]): 'ablated' | 'edited' {
  return interventions.every((one) => one.cut) ? 'ablated' : 'edited';
}

/** What an ablation changes is told layer by layer: 40 ms each, and with the last ring's own 80 in 240 ms. */
const WAVE = { each: 40, all: 160 };

const layerIn = (address: string) => Number(/(?:^|\.)L(\d+)/.exec(address)?.[1] ?? Number.NaN);

function waveOf(interventions: readonly Intervention[], layers: number): (address: string) => number {
  const from = Math.min(
    ...interventions.map(({ address }) => layerIn(address)).map((at) => (Number.isNaN(at) ? 0 : at)),
  );
  const each = Math.min(WAVE.each, WAVE.all / Math.max(1, layers - from));
  return (address) => {
    const layer = layerIn(address);
    return Math.round(each * Math.max(0, (Number.isNaN(layer) ? layers : layer) - from));
  };
}

/** The run that is shown, in words. */
export function runShown({ shows, interventions }: Pick<Look, 'shows' | 'interventions'>): string {
  return shows === 'changed' ? `${changedWord(interventions)} run` : 'clean run';
}

/** Keeps what does not change between repaints: the layout's index, and the colour scale of a running sequence. */
export class Looker {
  #index: LayoutIndex | null = null;
  #scales = new Scales();

  look(durable: Durable, page: Page, { token: chosen, compare, rescaled }: Looking = FIRST_VIEW): Look {
    this.#scales.renew(rescaled);
    // What was in force then, where time was stopped.
    const then = page.past ?? durable.state;
    const [interventions, run] = [then?.interventions ?? [], then?.run ?? null];
    const edited = shownFrame(page, interventions.length > 0);
    const whole = compare && edited && page.clean && comparable(page.clean, edited) ? page.clean : null;
    const shows = interventions.length === 0 ? 'only' : whole ? 'clean' : 'changed';
    const shown = shows === 'clean' ? whole : edited;
    const { token, now, clean } = this.#read(durable.layout, shown, page.clean, chosen);
    const sequence = sequenceOf(page);
    const scale = (name: string, make: () => Limits | null) => this.#scales.of(sequence, name, make);
    const experts = now !== null && now.index.sites('expert').length > 0;
    return {
      live: durable.state !== null,
      limits: scale('fills', () => fillLimits(clean ?? now)),
      weights: experts ? scale('weights', () => robustLimits(routingWeights((clean ?? now) as Readings))) : null,
      scale,
      now,
      clean,
      interventions,
      run,
      token,
      shows,
      ...editing(interventions, shows),
      norm: (address) => now?.norm(address) ?? Number.NaN,
      update: (address) => now?.update(address) ?? null,
      change: shows === 'clean' ? () => Number.NaN : changing(now, clean),
      nonfinite: (address) => (now?.stat(address, 'nonfinite') ?? 0) > 0,
      unread: (address) => durable.state?.unread[address] !== undefined,
      pending: (address) => page.pending.get(address),
      isExpert: (address) => /\.E\d+$/.test(address),
      wave: waveOf(interventions, now?.index.sites('layer').length ?? 0),
      moved: shows === 'clean' ? Number.NaN : movedBy(run),
    };
  }

  /** The shown token, what was read of it, and of the same token of the clean run where the two can be compared. */
  #read(
    layout: FrameLayout | null,
    shown: DecodedFrame | null,
    cleanFrame: DecodedFrame | null,
    chosen: ChosenToken | null,
  ): Pick<Look, 'token' | 'now' | 'clean'> {
    if (layout && this.#index?.layout !== layout) this.#index = new LayoutIndex(layout);
    const index = layout && this.#index;
    const token = shown && shownToken(shown, chosen);
    const at = (frame: DecodedFrame | null) => index && frame && new Readings(index, frame, token?.position);
    const alike = shown && cleanFrame && comparable(cleanFrame, shown);
    return { token, now: at(shown), clean: at(alike ? cleanFrame : null) };
  }
}

/** What is done to an address, and to what it is in. */
function editing(
  interventions: readonly Intervention[],
  shows: Shown,
): Pick<Look, 'ablated' | 'edits' | 'inForce' | 'touched' | 'cut'> {
  const edits = group(interventions, (one) => one.address);
  const touched = new Set(interventions.flatMap((one) => containers(one.address)));
  // The clean run is whole: what is ablated keeps its badge there and nothing else.
  const cuts = shows === 'clean' ? [] : interventions.filter((one) => one.cut);
  const cut = new Map(cuts.map((one) => [one.address, one.how]));
  return {
    ablated: (address) => edits.get(address)?.at(-1)?.how ?? null,
    edits: (address) => edits.get(address) ?? [],
    inForce: (address) => (edits.size === 0 ? [] : containers(address).flatMap((one) => edits.get(one) ?? [])),
    touched: (address) => touched.has(address),
    cut: (address) => (cut.size === 0 ? null : outermost(cut, address)),
  };
}

/** How far addresses are from the clean run, worked out where it is asked for. */
function changing(now: Readings | null, clean: Readings | null): Look['change'] {
  const changes = new Map<string, number>();
  return (address) => {
    if (!now || !clean || !now.index.site.has(address)) return Number.NaN;
    const known = changes.get(address) ?? change(now, clean, address);
    changes.set(address, known);
    return known;
  };
}

/** A name for a sequence: its first tokens. A longer one that starts alike is the same, growing. */
function sequenceOf(page: Page): string {
  return page.tokens.slice(0, 4).join(' ');
}
