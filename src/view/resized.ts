/** What is as wide as there is room is drawn anew where that changed: beside a taller diagram a panel gets a scroll bar. */
export function onWidth(element: HTMLElement, signal: AbortSignal, act: () => void): void {
  if (typeof ResizeObserver === 'undefined') return;
  let width = 0;
  const observer = new ResizeObserver(() => {
    if (element.clientWidth === width) return;
    width = element.clientWidth;
    act();
  });
  observer.observe(element);
  signal.addEventListener('abort', () => observer.disconnect());
}
