/** Where the wires of the stream meet what is inside: at the height of what comes in first, and of what goes out last. */
import type { InsideScene, Lead, StepBox } from './scene';

/** The steps at which a block reads and writes. */
export interface Ends {
  readonly input: StepBox | null;
  readonly output: StepBox | null;
}

export function endsOf({ boxes }: InsideScene): Ends {
  return {
    input: boxes.find(({ step }) => step.op === 'input') ?? null,
    output: boxes.filter(({ step }) => step.op === 'output').at(-1) ?? null,
  };
}

export const middleOf = ({ body }: StepBox): number => body.y + body.h / 2;

/** The line from a step to the edge on that side; null where something else stands in its way. */
export function leadOf({ boxes, width }: InsideScene, step: StepBox | null, side: -1 | 1): Lead | null {
  if (!step) return null;
  const y = middleOf(step);
  const [from, to] = side === 1 ? [step.x + step.w + 4, width] : [step.x - 4, 0];
  const between = (box: StepBox) => (side === 1 ? box.x >= from : box.x + box.w <= from);
  const blocked = boxes.some((box) => box !== step && box.y < y && box.y + box.h > y && between(box));
  return blocked || (to - from) * side < 6 ? null : { y, from, to };
}
