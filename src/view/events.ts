/** What happens to elements. */

/** Act on an event until the signal aborts. */
export function on<K extends keyof HTMLElementEventMap>(
  node: EventTarget,
  name: K,
  act: (event: HTMLElementEventMap[K]) => unknown,
  signal: AbortSignal,
  how: Omit<AddEventListenerOptions, 'signal'> = {},
): void {
  node.addEventListener(name, act as (event: Event) => unknown, { signal, ...how });
}

/** Keep an event from the page around, and from what the browser would do. */
export function take(event: Event): void {
  event.preventDefault();
  event.stopPropagation();
}

/** Whether a key is pressed with Control, Command or Alt: then it is somebody else's. */
export const isChord = ({ ctrlKey, metaKey, altKey }: KeyboardEvent): boolean => ctrlKey || metaKey || altKey;
