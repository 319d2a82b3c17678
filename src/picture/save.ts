/** Saving what a page shows as a picture: the same that Python writes, with the style that the page has. */
import type { Pictures } from '../view/context';
import { pictureOf, pictureOfComparison } from './index';

/** The rules about our own classes, wherever the host has put the style: in the document, or in a shadow root. */
function styleAround(root: Element): string {
  const places = new Set([document, root.getRootNode()] as (Document | ShadowRoot)[]);
  const sheets = [...places].flatMap((place) => [...(place.styleSheets ?? []), ...(place.adoptedStyleSheets ?? [])]);
  return sheets
    .flatMap((sheet) => {
      try {
        return [...sheet.cssRules];
      } catch {
        // Another site's style cannot be read, and is not ours.
        return [];
      }
    })
    .map((rule) => rule.cssText)
    .filter((text) => text.includes('.gb-'))
    .join('\n');
}

const fileName = (name: string, ending: string) =>
  `${name.replaceAll(/[^\p{L}\p{N}._-]+/gu, '-').replaceAll(/^[-.]+|[-.]+$/g, '') || 'glassblock'}.${ending}`;

function download(name: string, blob: Blob): string {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  // VS Code hears a click on the page's body and asks where to put the file.
  document.body.append(link);
  link.click();
  link.remove();
  // Not at once: some browsers begin to read it later.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  return name;
}

const svgBlob = (svg: string) => new Blob([svg], { type: 'image/svg+xml' });

/** Pixels for each CSS pixel. */
const SCALE = 2;

/** The same picture in pixels. */
async function rasterised(svg: string): Promise<Blob> {
  const image = new Image();
  // As data and not as a blob: Safari holds a canvas on which a blob's SVG was drawn for another site's.
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [image.width * SCALE, image.height * SCALE];
  const context = canvas.getContext('2d');
  if (!context) throw new Error('expected a canvas to draw on, and the browser gave none.');
  context.scale(SCALE, SCALE);
  context.drawImage(image, 0, 0);
  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/png'));
  if (!blob) throw new Error('the browser could not write it; it may be too large. Save it as SVG.');
  return blob;
}

async function saved(name: string, svg: string, as: 'svg' | 'png'): Promise<string> {
  return download(fileName(name, as), as === 'svg' ? svgBlob(svg) : await rasterised(svg));
}

export const pictures: Pictures = {
  file(name, text) {
    download(name, new Blob([text as BlobPart], { type: 'text/html' }));
  },
  save({ architecture, state, look, theme, bound, opened }, root, as) {
    const live = state ? { live: { state, look } } : {};
    const svg = pictureOf(architecture, styleAround(root), { theme, bound, opened, ...live });
    return saved(state?.title || architecture.name, svg, as);
  },
  saveComparison(comparison, root, theme, as) {
    const svg = pictureOfComparison(comparison, styleAround(root), { theme });
    return saved(`${comparison.a.name} and ${comparison.b.name}`, svg, as);
  },
};
