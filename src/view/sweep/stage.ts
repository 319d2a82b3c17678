/** The Sweep stage: what each single ablation does to the prediction, in the shape of the model. */
import { effectText, fixed } from '../../layout/format';
import { limitOf } from '../../state/effects';
import { Changes } from '../changes';
import { signedGradient } from '../colour';
import { activate, howOf, type Part, type View } from '../context';
import { h, setText, show } from '../dom';
import { on } from '../events';
import type { Look } from '../look';
import { SweepAsks } from './asks';
import { effectInWords, SweepCells } from './map';

export class SweepStage implements Part {
  readonly element = h('section', { class: 'gb-sweep', 'aria-label': 'Sweep' });
  #asks: SweepAsks;
  #cells: SweepCells;
  #says = h('p', { class: 'gb-sub gb-sweep-says', 'data-testid': 'sweep-says' });
  #bar = h('i', { class: 'gb-gradient' });
  #low = h('span', { class: 'gb-num' });
  #high = h('span', { class: 'gb-num' });
  #unit = h('span');
  #name = h('b', { class: 'gb-mono' });
  #value = h('span');
  #ablate = h('button', { class: 'gb-button gb-small-button', 'data-testid': 'sweep-ablate' });
  #show = h('button', { class: 'gb-button gb-small-button' }, 'Show in the diagram');
  #theme = '';
  #changes = new Changes();
  #said = '';

  constructor(private readonly view: View) {
    this.#asks = new SweepAsks(view);
    this.#cells = new SweepCells(view);
    const { signal, state } = view;
    on(this.#ablate, 'click', () => activate(view, state.value.selected ?? '', 'ablate'), signal);
    on(this.#show, 'click', () => state.set({ stage: 'diagram' }), signal);
    const scale = h('span', { class: 'gb-key' }, this.#low, this.#bar, this.#high, this.#unit);
    const key = (mark: string, words: string) =>
      h('span', { class: 'gb-key' }, h('i', { class: `gb-sweep-key ${mark}` }), words);
    const legend = h(
      'div',
      { class: 'gb-legend' },
      scale,
      h('span', { class: 'gb-key' }, '− ablating it lowers it, + raises it'),
      key('', 'outline: not measured'),
      key('gb-sweep-cut', 'ablated now'),
    );
    const one = h('div', { class: 'gb-sweep-one' }, this.#name, this.#value, this.#ablate, this.#show);
    this.element.append(
      this.#asks.element,
      this.#says,
      h('div', { class: 'gb-sweep-scroll' }, this.#cells.element),
      one,
      legend,
    );
  }

  paint(look: Look): void {
    this.#asks.paint();
    const { sweep } = this.view.session.page.value;
    const room = this.element.clientWidth || this.view.state.value.width;
    this.#cells.paint(look, room);
    setText(this.#says, this.#sentence());
    this.#scale(limitOf(sweep?.rows ?? []), sweep?.unit ?? '');
    this.#one(look);
    this.#announce();
  }

  #sentence(): string {
    const { session } = this.view;
    const { sweep } = session.page.value;
    if (!sweep)
      return 'Each is ablated alone, one forward pass each; what is ablated now and the history stay as they are.';
    const clean = sweep.clean === null ? '' : `, clean ${effectText(sweep.clean)} ${sweep.unit}`;
    const other =
      sweep.prompt === (session.durable.value.state?.run?.prompt ?? '') ? '' : ` Of another prompt: “${sweep.prompt}”.`;
    return `Effect on the ${sweep.metric}${clean}; ${sweep.how}, each alone, exact.${other}`;
  }

  #scale(limit: number, unit: string): void {
    const { theme } = this.view.state.value;
    if (theme !== this.#theme) {
      this.#theme = theme;
      this.#bar.style.background = `linear-gradient(90deg,${signedGradient(theme).join(',')})`;
    }
    const decimals = limit >= 1 ? 0 : Math.min(6, Math.ceil(-Math.log10(limit)));
    setText(this.#low, `−${fixed(limit, decimals)}`);
    setText(this.#high, `+${fixed(limit, decimals)}`);
    setText(this.#unit, unit);
  }

  /** The selected one, and what can be done with it. It keeps its room. */
  #one(look: Look): void {
    const { session, state } = this.view;
    const { selected } = state.value;
    const { sweep } = session.page.value;
    if (!this.#changes.any(sweep, selected, look.interventions, session.reachable, howOf(this.view))) return;
    const row = sweep?.rows.find(({ address }) => address === selected);
    const known =
      selected !== null && (session.durable.value.layout?.sites.some(({ address }) => address === selected) ?? false);
    setText(this.#name, known ? selected : 'Nothing selected');
    setText(this.#value, known ? effectInWords(row, sweep?.unit ?? '') : 'click a cell');
    show(this.#ablate, known);
    show(this.#show, known);
    if (!known) return;
    const edits = look.edits(selected);
    setText(this.#ablate, edits.length > 0 ? 'Restore' : `Ablate: ${howOf(this.view)}`);
    this.#ablate.disabled = !session.reachable || session.durable.value.state?.unavailable[selected] !== undefined;
  }

  #announce(): void {
    const { sweep } = this.view.session.page.value;
    const key = sweep && !sweep.running ? `${sweep.sweep}` : '';
    if (key === '' || key === this.#said) return;
    this.#said = key;
    this.view.announce(`Swept ${sweep?.rows.length ?? 0} of ${sweep?.total ?? 0}`);
  }
}
