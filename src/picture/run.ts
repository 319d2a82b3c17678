/** A run that was written down, as a page would have it: its frames decoded, and what there is to see of each address. */
import { EMPTY_PAGE } from '../state/local';
import { Looker } from '../view/look';
import { decodeFrame, recordedBuffers } from '../wire/codec';
import type { Architecture, FrameLayout, RecordedFrame, SessionState } from '../wire/types.generated';
import type { Live } from './live';

export interface Run {
  readonly layout: FrameLayout;
  readonly state: SessionState;
  /** The clean frame, and the one under interventions if there are any. */
  readonly frames: readonly RecordedFrame[];
}

export function runOf(architecture: Architecture, { layout, state, frames }: Run): Live {
  const decoded = frames.map((frame) => decodeFrame(frame.header, recordedBuffers(frame), layout));
  const clean = decoded.find(({ header }) => header.origin === 'clean') ?? null;
  const edited = decoded.find((frame) => frame !== clean) ?? null;
  const page = { ...EMPTY_PAGE, frame: decoded.at(-1) ?? null, clean, edited };
  return { state, look: new Looker().look({ architecture, layout, state }, page) };
}
