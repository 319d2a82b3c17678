/** What is inside a block, as the reader says it: steps in the order in which they ran, and what each hands to others. */
export type { Inside, Step, StepKind as Op, Wire1 as Flow } from '../../wire/types.generated';
