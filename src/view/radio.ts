/**
 * Buttons of which one is chosen, as the ARIA practices describe a radio group: one of them is in the tab order, and the
 * arrow keys go through those that can be chosen, and around.
 */
import { put } from './dom';
import { isChord, on, take } from './events';

const STEP: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };

/** Let the arrow keys go through a group's buttons. Where they go is focused, and told. */
export function roving(group: HTMLElement, signal: AbortSignal, told: (button: HTMLButtonElement) => void): void {
  const keyed = (event: KeyboardEvent) => {
    const step = STEP[event.key];
    if (step === undefined || isChord(event)) return;
    take(event);
    const can = [...group.querySelectorAll('button')].filter((button) => !button.disabled);
    const at = can.indexOf(event.target as HTMLButtonElement);
    const next = can[(at + step + can.length) % can.length];
    if (!next) return;
    told(next);
    next.focus();
  };
  on(group, 'keydown', keyed, signal);
}

/** Mark the chosen button. In the tab order is that one, or where none is chosen the first that can be. */
export function mark(buttons: readonly HTMLButtonElement[], chosen: HTMLButtonElement | undefined): void {
  const stop = chosen && !chosen.disabled ? chosen : buttons.find((button) => !button.disabled);
  for (const button of buttons) {
    put(button, 'aria-checked', String(button === chosen));
    put(button, 'tabindex', button === stop ? '0' : '-1');
  }
}
