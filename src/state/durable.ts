/**
 * State shared with Python. These three traits are all that is synced, and only the kernel writes them; what a person
 * does travels as a request (see `session.ts`). They are saved with a notebook where widget state is saved, so that a
 * page without a kernel can draw the last picture.
 */
import type { PageModel } from '../wire/model';
import type { Architecture, FrameLayout, SessionState } from '../wire/types.generated';

export interface Durable {
  /** What the model is. */
  readonly architecture: Architecture;
  /** The meaning of a frame's buffers; null where there is no live model. */
  readonly layout: FrameLayout | null;
  /** The live session; null where only an architecture is shown. */
  readonly state: SessionState | null;
}

/** Names of the traits. `frame_layout`, because every Jupyter widget already has a `layout`, the CSS one. */
export const TRAITS = { architecture: 'architecture', layout: 'frame_layout', state: 'state' } as const;

export function readDurable(model: PageModel): Durable {
  return {
    architecture: model.get(TRAITS.architecture) as Architecture,
    layout: (model.get(TRAITS.layout) ?? null) as FrameLayout | null,
    state: (model.get(TRAITS.state) ?? null) as SessionState | null,
  };
}

/** Call back after any of the traits changed. */
export function watchDurable(model: PageModel, changed: () => void, signal: AbortSignal): void {
  for (const trait of Object.values(TRAITS)) model.on(`change:${trait}`, changed);
  signal.addEventListener('abort', () => {
    for (const trait of Object.values(TRAITS)) model.off(`change:${trait}`, changed);
  });
}
