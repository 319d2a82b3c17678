/** Larger and plainer, to be read from the back of a room: a switch, and its key. */
import type { View } from './context';
import { h, put, s } from './dom';
import { on } from './events';

export class ProjectorButton {
  readonly element: HTMLButtonElement;

  constructor(private readonly view: View) {
    const screen = s('path', { d: 'M1 2 H15 V11 H1 Z M8 11 V14 M4 14 H12', class: 'gb-icon' });
    const icon = s('svg', { width: 16, height: 16, 'aria-hidden': 'true' }, screen);
    const about = { class: 'gb-button gb-icon-button', 'aria-label': 'Projector mode' };
    this.element = h(
      'button',
      { ...about, title: 'Larger and plainer, for a projector (P)', 'data-testid': 'projector' },
      icon,
    );
    const toggled = () => view.state.set({ projector: !view.state.value.projector });
    on(this.element, 'click', toggled, view.signal);
  }

  paint(): void {
    put(this.element, 'aria-pressed', String(this.view.state.value.projector));
  }
}
