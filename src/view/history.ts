/** What was done, and the way back: undo, redo, restore all, the steps as chips, and the same as lines of Python. */
import type { HistoryEntry } from '../wire/types.generated';
import { Changes } from './changes';
import type { Part, View } from './context';
import { copyButton, pythonOf } from './copying';
import { attr, h, s, setText, show } from './dom';
import { on } from './events';
import { join } from './join';
import type { Look } from './look';

interface Step {
  readonly label: string;
  readonly python: string;
  /** How many entries are in force once one is here. */
  readonly at: number;
  readonly state: 'past' | 'now' | 'undone';
}

const UNDO = 'M4 1 L1 4 L4 7 M1 4 H8 a3.5 3.5 0 0 1 0 7 H5';
const REDO = 'M9 1 L12 4 L9 7 M12 4 H5 a3.5 3.5 0 0 0 0 7 H8';

function iconButton(name: string, testid: string, path: string): HTMLButtonElement {
  const icon = s('svg', { width: 13, height: 12, 'aria-hidden': 'true' }, s('path', { d: path, class: 'gb-icon' }));
  return h(
    'button',
    { class: 'gb-button gb-icon-button', 'aria-label': name, title: name, 'data-testid': testid },
    icon,
  );
}

function stepsOf(entries: readonly HistoryEntry[], cursor: number): Step[] {
  const state = (at: number) => (at === cursor ? 'now' : at < cursor ? 'past' : 'undone');
  const all: Step[] = [{ label: 'clean run', python: '', at: 0, state: state(0) }];
  entries.forEach(({ label, python }, i) => {
    all.push({ label, python, at: i + 1, state: state(i + 1) });
  });
  return all;
}

export class HistoryBar implements Part {
  readonly element = h('footer', { class: 'gb-history' });
  #undo = iconButton('Undo', 'undo', UNDO);
  #redo = iconButton('Redo', 'redo', REDO);
  #all = h('button', { class: 'gb-button', 'data-testid': 'restore-all' }, 'Restore all');
  #steps = h('div', { class: 'gb-steps-bar', role: 'group', 'aria-label': 'History', tabindex: -1 });
  #python = h('code', { class: 'gb-python', 'data-testid': 'python-line' });
  #copy: HTMLButtonElement;
  #seen = '';
  #changes = new Changes();

  constructor(private readonly view: View) {
    const { session, signal, shortcuts } = view;
    const inForce = () => {
      const { entries, cursor } = session.durable.value.state?.history ?? { entries: [], cursor: 0 };
      return pythonOf(entries.slice(0, cursor).map(({ python }) => python));
    };
    this.#copy = copyButton(view, 'Copy as Python', 'copy', inForce);
    this.#copy.title = 'All steps that are in force, one line each';
    const line = h('div', { class: 'gb-python-line' }, this.#python, this.#copy);
    this.element.append(this.#undo, this.#redo, this.#all, this.#steps, line);
    on(this.#undo, 'click', () => void session.undo(), signal);
    on(this.#redo, 'click', () => void session.redo(), signal);
    on(this.#all, 'click', () => session.restoreAll(), signal);
    // A button that is off does nothing, and neither does its key.
    const pressed = (button: HTMLButtonElement) => () => {
      const can = !button.disabled;
      if (can) button.click();
      return can;
    };
    shortcuts.bind('undo', pressed(this.#undo));
    shortcuts.bind('redo', pressed(this.#redo));
  }

  paint(look: Look): void {
    const { state } = this.view.session.durable.value;
    show(this.element, state !== null);
    if (!state) return;
    const { entries, cursor } = state.history;
    const there = this.view.session.reachable;
    if (!this.#changes.any(state.history, look.interventions, there)) return;
    this.#undo.disabled = !there || cursor === 0;
    this.#redo.disabled = !there || cursor >= entries.length;
    this.#all.disabled = !there || look.interventions.length === 0;
    const python = entries[cursor - 1]?.python ?? '';
    setText(this.#python, python);
    this.#python.title = python;
    show(this.#python, python !== '');
    show(this.#copy, python !== '');
    this.#steps.classList.toggle('gb-clean', look.interventions.length === 0);
    this.#chips(stepsOf(entries, cursor), there);
    this.#follow(`${cursor} of ${entries.length}`);
  }

  #chips(steps: readonly Step[], there: boolean): void {
    const { session } = this.view;
    for (const [chip, step] of join(this.#steps, 'button', steps, () => h('button'))) {
      const { python, label, state, at } = step;
      attr(chip, {
        class: `gb-step-chip gb-step-${state}`,
        'aria-current': state === 'now' && 'step',
        'aria-label': state === 'undone' && `${label}, undone`,
        title: `${state === 'now' ? 'Here' : 'Go here'}: ${python === '' ? label : python}`,
        disabled: !there,
      });
      setText(chip, label);
      chip.onclick = () => void session.travel(at);
    }
  }

  /** Where one is in the history stays in sight, without the page around it moving. */
  #follow(at: string): void {
    if (at === this.#seen) return;
    this.#seen = at;
    const now = this.#steps.querySelector<HTMLElement>('.gb-step-now');
    if (!now) return;
    const { offsetLeft: left, offsetWidth: width } = now;
    const { clientWidth: room } = this.#steps;
    this.#steps.scrollLeft = Math.max(0, left + width / 2 - room / 2);
  }
}
