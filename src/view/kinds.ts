/** The kinds that can stand in a block's place: which of them apply, why another does not, and how one is chosen. */
import type { How, Kind } from '../wire/types.generated';
import { type Part, unfit, type View } from './context';
import { h, put, show } from './dom';
import { on } from './events';
import type { Look } from './look';
import { mark, roving } from './radio';

export interface Offer {
  readonly kind: Kind;
  /** Why it does not apply; null where it does. */
  readonly why: string | null;
  /** Whether it is what is in force on all of them, and nothing else is. */
  readonly on: boolean;
}

/** Every kind that the kernel has, seen from some addresses. */
export function offersFor(view: View, look: Look, targets: readonly string[]): Offer[] {
  const { state } = view.session.durable.value;
  if (!state) return [];
  const cannot = targets.map((one) => state.unavailable[one]).find((why) => why !== undefined);
  return state.kinds.map((kind) => {
    const why = cannot ?? targets.map((one) => unfit(view, one, kind.name)).find((reason) => reason !== null);
    const on = targets.every((one) => {
      const edits = look.edits(one);
      return edits.length === 1 && edits[0]?.how === kind.name;
    });
    return { kind, why: why ?? null, on };
  });
}

/** Put a kind in the place of what is done to addresses, or ablate them where nothing is: one step either way. */
export function putKind(view: View, look: Look, targets: readonly string[], how: How): boolean {
  const { session } = view;
  const done = targets.some((one) => look.edits(one).length > 0);
  return done ? session.change(targets, how) : session.ablate(targets, how);
}

/** What a kind does to an address, in the kernel's sentence; or why it is not for it. */
function titleOf({ kind, why }: Offer): string {
  return (
    why ??
    kind.sentences.block?.replaceAll('{address}', 'it') ??
    kind.sentences.layer?.replaceAll('{address}', 'It') ??
    ''
  );
}

/** The kinds in a row, for one address: the one in force is marked, and another takes its place at a click. */
export class KindPicker implements Part {
  readonly element = h('span', { class: 'gb-seg gb-seg-small gb-kinds', role: 'radiogroup' });
  #look: Look | null = null;
  #address = '';
  #drawn = '';

  constructor(private readonly view: View) {
    // Nothing is done before Enter or Space: each is a run of the model.
    roving(this.element, view.signal, () => {});
  }

  /** Offer the kinds for an address; nothing where none applies. */
  offer(address: string | null): void {
    this.#address = address ?? '';
  }

  paint(look: Look): void {
    this.#look = look;
    const offers = this.#address === '' ? [] : offersFor(this.view, look, [this.#address]);
    show(
      this.element,
      offers.some(({ why }) => why === null),
    );
    const names = offers.map(({ kind }) => kind.name).join();
    if (names !== this.#drawn) {
      this.#drawn = names;
      this.element.replaceChildren(...offers.map(({ kind }) => this.#button(kind)));
    }
    put(this.element, 'aria-label', `How ${this.#address} is ablated`);
    const buttons = [...this.element.children] as HTMLButtonElement[];
    const there = this.view.session.reachable;
    offers.forEach((offer, i) => {
      const node = buttons[i] as HTMLButtonElement;
      put(node, 'title', titleOf(offer));
      node.disabled = !there || offer.why !== null;
    });
    mark(buttons, buttons[offers.findIndex((offer) => offer.on)]);
  }

  #button({ name, sign }: Kind): HTMLButtonElement {
    const about = { role: 'radio', 'data-kind': name };
    const node = h('button', about, h('b', { 'aria-hidden': 'true' }, sign), name);
    on(node, 'click', () => this.#put(name), this.view.signal);
    return node;
  }

  #put(how: How): void {
    if (this.#look) putKind(this.view, this.#look, [this.#address], how);
  }
}
