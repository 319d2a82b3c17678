/** The script of an exported page: the same widget, over a recording instead of a kernel. */
import { pictures } from './picture/save';
import { RecordedModel, readComparison, readPage } from './state/recorded';
import { mountComparison } from './view/comparison';
import { makeWidget } from './widget';

const DATA = 'glassblock-data';
const PLACE = 'glassblock';

function start(): void {
  const place = document.getElementById(PLACE) ?? document.body;
  try {
    const text = document.getElementById(DATA)?.textContent ?? '';
    const comparison = readComparison(text);
    if (comparison !== null) {
      mountComparison(comparison, place, new AbortController().signal, pictures);
      return;
    }
    const model = new RecordedModel(readPage(text));
    const widget = makeWidget({ recorded: true });
    widget.initialize({ model });
    widget.render({ model, el: place });
    model.open();
    // There is nothing else on this page: its keys are heard at once.
    place.querySelector<HTMLElement>('.gb-root')?.focus({ preventScroll: true });
  } catch (error) {
    const words = document.createElement('p');
    words.textContent = `This page cannot be shown: ${(error as Error).message}`;
    place.append(words);
  }
}

if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', start);
else start();
