/**
 * The script that draws pictures without a browser: run by an embedded JavaScript engine, with a light DOM in the place
 * of a page. Everything crosses as text.
 */
import { DOMParser } from 'linkedom';
import { type PictureOptions, pictureOf, pictureOfComparison } from './picture/index';
import { type Run, runOf } from './picture/run';
import type { Architecture, Comparison } from './wire/types.generated';

type Shown = { readonly architecture: Architecture; readonly run?: Run } | { readonly comparison: Comparison };

const scope = globalThis as unknown as Record<string, unknown>;
scope.document ??= new DOMParser().parseFromString('', 'image/svg+xml');

// An engine that is no browser has no `atob`.
scope.atob ??= (text: string): string => {
  const [bytes, signs] = [[] as string[], 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'];
  let [bits, held] = [0, 0];
  for (const sign of text.replaceAll('=', '')) {
    [bits, held] = [((bits << 6) | signs.indexOf(sign)) & 0xffffff, held + 6];
    if (held < 8) continue;
    held -= 8;
    bytes.push(String.fromCharCode((bits >> held) & 0xff));
  }
  return bytes.join('');
};

scope.glassblockPicture = (data: string, css: string, options: string): string => {
  const shown = JSON.parse(data) as Shown;
  const given = JSON.parse(options) as PictureOptions;
  if ('comparison' in shown) return pictureOfComparison(shown.comparison, css, given);
  const live = shown.run ? { live: runOf(shown.architecture, shown.run) } : {};
  return pictureOf(shown.architecture, css, { ...given, ...live });
};
