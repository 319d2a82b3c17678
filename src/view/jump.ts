/** Going to an address: its card is bound to its layer, it is selected, brought into view, and has the focus. */
import { groupKey, placeOf } from '../layout';
import type { View } from './context';

/** Go there. Who draws it hears of it through `goal`. */
export function jumpTo(view: View, address: string): void {
  const place = placeOf(view.session.durable.value.architecture, address);
  const { bound } = view.state.value;
  view.state.set({
    bound: place ? { ...bound, [groupKey(place.stack, place.group)]: place.index } : bound,
    selected: address,
    stage: 'diagram',
    goal: { address },
  });
}
