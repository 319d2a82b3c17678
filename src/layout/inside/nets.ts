/** The wires of an inside by the tensor that they carry: one net for each, from the step that makes it to all that read it. */
import type { Flow, Inside } from './types';

export interface Net {
  readonly source: number;
  readonly label: string;
  readonly targets: readonly number[];
}

export interface Graph {
  readonly count: number;
  readonly nets: readonly Net[];
  /** For each step, the steps that it reads and those that read it, each once, in the order of the wires. */
  readonly reads: readonly (readonly number[])[];
  readonly readers: readonly (readonly number[])[];
  readonly netsOf: readonly (readonly number[])[];
}

/** Wires that lead forward between steps that are there: time has one direction, and what ran later fed nothing earlier. */
function forward({ steps, wires }: Inside): Flow[] {
  const last = steps.length - 1;
  return wires.filter(({ source, target }) => source >= 0 && source < target && target <= last);
}

export function graphOf(inside: Inside): Graph {
  const count = inside.steps.length;
  const lists = () => Array.from({ length: count }, (): number[] => []);
  const [reads, readers, netsOf] = [lists(), lists(), lists()];
  const nets: { source: number; label: string; targets: number[] }[] = [];
  for (const { source, target, label } of forward(inside)) {
    const known = netsOf[source]?.map((i) => nets[i]).find((net) => net?.label === label);
    if (known?.targets.includes(target)) continue;
    if (known) known.targets.push(target);
    else {
      netsOf[source]?.push(nets.length);
      nets.push({ source, label, targets: [target] });
    }
    if (!reads[target]?.includes(source)) reads[target]?.push(source);
    if (!readers[source]?.includes(target)) readers[source]?.push(target);
  }
  return { count, nets, reads, readers, netsOf };
}
