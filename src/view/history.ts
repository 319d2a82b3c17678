/** What was done, and the way back: undo, redo, restore all, the steps as chips, and the same as a line of Python. */
import { select } from 'd3-selection';
import type { HistoryEntry } from '../wire/types.generated';
import type { Part, View } from './context';
import { h, s, setText, show } from './dom';
import type { Look } from './look';

interface Step {
  readonly label: string;
  /** How many entries are in force once one is here. */
  readonly at: number;
  readonly state: 'past' | 'now' | 'undone';
}

/** More steps than this are cut at the front. */
const MOST = 6;

const UNDO = 'M4 1 L1 4 L4 7 M1 4 H8 a3.5 3.5 0 0 1 0 7 H5';
const REDO = 'M9 1 L12 4 L9 7 M12 4 H5 a3.5 3.5 0 0 0 0 7 H8';

function iconButton(name: string, testid: string, path: string): HTMLButtonElement {
  const icon = s('svg', { width: 13, height: 12, 'aria-hidden': 'true' }, s('path', { d: path, class: 'gb-icon' }));
  return h(
    'button',
    { type: 'button', class: 'gb-button gb-icon-button', 'aria-label': name, title: name, 'data-testid': testid },
    icon,
  );
}

function stepsOf(entries: readonly HistoryEntry[], cursor: number): Step[] {
  const state = (at: number) => (at === cursor ? 'now' : at < cursor ? 'past' : 'undone');
  const all: Step[] = [{ label: 'clean run', at: 0, state: state(0) }];
  entries.forEach(({ label }, i) => {
    all.push({ label, at: i + 1, state: state(i + 1) });
  });
  return all.length > MOST ? all.slice(-MOST) : all;
}

export class HistoryBar implements Part {
  readonly element = h('footer', { class: 'gb-history' });
  #undo = iconButton('Undo', 'undo', UNDO);
  #redo = iconButton('Redo', 'redo', REDO);
  #all = h('button', { type: 'button', class: 'gb-button', 'data-testid': 'restore-all' }, 'Restore all');
  #steps = h('div', { class: 'gb-steps-bar', role: 'group', 'aria-label': 'History' });
  #python = h('code', { class: 'gb-python', 'data-testid': 'python-line' });
  #copy = h('button', { type: 'button', class: 'gb-button', 'data-testid': 'copy' }, 'Copy');

  constructor(private readonly view: View) {
    const { session, signal } = view;
    const line = h('div', { class: 'gb-python-line' }, this.#python, this.#copy);
    this.element.append(this.#undo, this.#redo, this.#all, this.#steps, line);
    this.#undo.addEventListener('click', () => void session.undo(), { signal });
    this.#redo.addEventListener('click', () => void session.redo(), { signal });
    this.#all.addEventListener('click', () => session.restoreAll(), { signal });
    this.#copy.addEventListener('click', () => void this.#copied(), { signal });
  }

  paint(look: Look): void {
    const { state } = this.view.session.durable.value;
    show(this.element, state !== null);
    if (!state) return;
    const { entries, cursor } = state.history;
    const there = this.view.session.reachable;
    this.#undo.disabled = !there || cursor === 0;
    this.#redo.disabled = !there || cursor >= entries.length;
    this.#all.disabled = !there || look.interventions.length === 0;
    const python = entries[cursor - 1]?.python ?? '';
    setText(this.#python, python);
    show(this.#python, python !== '');
    show(this.#copy, python !== '');
    this.#chips(stepsOf(entries, cursor), there);
  }

  #chips(steps: readonly Step[], there: boolean): void {
    const { session } = this.view;
    select(this.#steps)
      .selectAll<HTMLButtonElement, Step>('button')
      .data(steps)
      .join((enter) => enter.append('button').attr('type', 'button'))
      .attr('class', (step) => `gb-step-chip gb-step-${step.state}`)
      .attr('aria-current', (step) => (step.state === 'now' ? 'step' : null))
      .property('disabled', !there)
      .text((step) => step.label)
      .on('click', (_, step) => void session.travel(step.at));
  }

  async #copied(): Promise<void> {
    const text = this.#python.textContent ?? '';
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Without permission for the clipboard, the line is marked so that the person can copy it.
      getSelection()?.selectAllChildren(this.#python);
      return;
    }
    setText(this.#copy, 'Copied');
    setTimeout(() => setText(this.#copy, 'Copy'), 1200);
  }
}
