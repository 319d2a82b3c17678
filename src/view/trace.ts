/** How the architecture was read, so that nobody takes an assumption for an observation. */
import { layersInWords } from '../layout/model';
import type { Architecture } from '../wire/types.generated';
import type { Part, View } from './context';
import { h, setText, show } from './dom';

const RUNGS: Record<Architecture['trace']['rung'], string> = {
  meta: 'Traced through one forward pass, without its weights.',
  fake: 'Traced through one forward pass with stand-in tensors.',
  real: 'Traced through one forward pass with made-up numbers, one layer of each kind.',
  tree: 'No forward pass could be traced: read from the module tree, and how blocks are wired is assumed.',
};

/** How an architecture was read, in sentences. */
export function howRead(architecture: Architecture): string {
  const { stacks, trace } = architecture;
  const groups = stacks.reduce((sum, stack) => sum + stack.groups.length, 0);
  const fold = `${layersInWords(architecture)}, ${groups} ${groups === 1 ? 'kind' : 'kinds'}.`;
  const notes = trace.notes.map((note) => (/[.!?]$/.test(note) ? note : `${note}.`));
  return [RUNGS[trace.rung], fold, ...notes].join(' ');
}

export class Trace implements Part {
  readonly element = h('footer', { class: 'gb-trace gb-sub' });

  constructor(private readonly view: View) {}

  paint(): void {
    const { architecture, state } = this.view.session.durable.value;
    const { rung, notes } = architecture.trace;
    // In a live session only what is out of the ordinary is worth a line.
    show(this.element, state === null || rung === 'tree' || notes.length > 0);
    setText(this.element, howRead(architecture));
  }
}
