/** Which part of a scene is seen, and how large: arithmetic of zooming and moving, in the scene's own pixels. */
import type { Point, Rect } from './scene';

export interface Size {
  readonly w: number;
  readonly h: number;
}

/** The upper left corner that is seen, and how many pixels of the screen one of the scene takes. */
export interface Seen extends Point {
  readonly k: number;
}

/** A taller scene is seen in part; up to here the page is scrolled, as everywhere. */
const TALLEST = 2400;
const LARGEST = 4;
/** Around what is brought into sight. */
const MARGIN = 24;

/** The room for a scene: it gets its own size, unless there is less; `least` is how small it may be seen at first. */
export function roomFor(scene: Size, available: number, least = 0): Size {
  const k = Math.max(least, Math.min(1, available / scene.w));
  return { w: Math.min(available, scene.w * k), h: Math.min(scene.h * k, TALLEST) };
}

/** How small a scene must be to be seen whole; never larger than it is. */
export const fitting = (scene: Size, room: Size): number => Math.min(1, room.w / scene.w, room.h / scene.h);

/** Along one axis: nothing beyond the scene is shown, and what is smaller than the room stands in the middle of it. */
function held(at: number, scene: number, room: number): number {
  return scene <= room ? (scene - room) / 2 : Math.max(0, Math.min(at, scene - room));
}

export function hold({ k, x, y }: Seen, scene: Size, room: Size): Seen {
  const size = Math.max(fitting(scene, room), Math.min(k, LARGEST));
  return { k: size, x: held(x, scene.w, room.w / size), y: held(y, scene.h, room.h / size) };
}

/** What is seen at first, from the top: all of the width, unless that is too small to be read. */
export const first = (scene: Size, room: Size, least = 0): Seen =>
  hold({ k: Math.max(least, room.w / scene.w), x: 0, y: 0 }, scene, room);

export const whole = (scene: Size, room: Size): Seen => hold({ k: 0, x: 0, y: 0 }, scene, room);

/** Zoom by a factor; what is at a point of the room stays there. */
export function zoomed(seen: Seen, factor: number, at: Point, scene: Size, room: Size): Seen {
  const k = Math.max(fitting(scene, room), Math.min(seen.k * factor, LARGEST));
  return hold({ k, x: seen.x + at.x / seen.k - at.x / k, y: seen.y + at.y / seen.k - at.y / k }, scene, room);
}

/** Move by so many pixels of the screen. */
export function moved(seen: Seen, by: Point, scene: Size, room: Size): Seen {
  return hold({ k: seen.k, x: seen.x - by.x / seen.k, y: seen.y - by.y / seen.k }, scene, room);
}

/** Move no further than needed for a rectangle to be seen. */
export function revealing(seen: Seen, rect: Rect, scene: Size, room: Size): Seen {
  const along = (at: number, from: number, length: number, there: number) => {
    const margin = Math.max(0, Math.min(MARGIN, (there - length) / 2));
    return Math.max(from + length + margin - there, Math.min(at, from - margin));
  };
  const [w, h] = [room.w / seen.k, room.h / seen.k];
  return hold({ k: seen.k, x: along(seen.x, rect.x, rect.w, w), y: along(seen.y, rect.y, rect.h, h) }, scene, room);
}

export type Detail = 'block' | 'layer' | 'model';

/** What can still be read: words in blocks, or names of blocks and layers alone, or those of layers. */
export function detailAt(k: number): Detail {
  return k >= 0.7 ? 'block' : k >= 0.35 ? 'layer' : 'model';
}
