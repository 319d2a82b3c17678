/** What can be on the stage, in the order in which it is offered, and what it applies to. */
import type { Durable } from '../state/durable';
import type { StageName } from '../state/local';
import type { FrameLayout } from '../wire/types.generated';
import type { View } from './context';

export interface Stage {
  readonly name: StageName;
  readonly words: string;
  /** What it shows, in a sentence. */
  readonly about: string;
  applies(durable: Durable): boolean;
}

const withExperts = new WeakMap<FrameLayout, boolean>();

/** Whether routing is read: then there is something to see of the experts. Asked at each repaint, so remembered. */
function readsExperts({ layout }: Durable): boolean {
  if (!layout) return false;
  const known = withExperts.get(layout) ?? layout.sites.some(({ kind }) => kind === 'expert');
  withExperts.set(layout, known);
  return known;
}

export const STAGES: readonly Stage[] = [
  { name: 'diagram', words: 'Diagram', about: 'The model, block by block', applies: () => true },
  {
    name: 'experts',
    words: 'Experts',
    about: 'Layers × experts: which experts the tokens are sent to',
    applies: readsExperts,
  },
  {
    name: 'sweep',
    words: 'Sweep',
    about: 'What each single ablation does to the prediction',
    applies: ({ state, layout }) => state !== null && layout !== null,
  },
];

export function stagesOf(durable: Durable): Stage[] {
  return STAGES.filter((stage) => stage.applies(durable));
}

/** What is on the stage: what was asked for where it applies, else the diagram. */
export function stageOf({ state, session }: View): StageName {
  const { stage } = state.value;
  return STAGES.some(({ name, applies }) => name === stage && applies(session.durable.value)) ? stage : 'diagram';
}
