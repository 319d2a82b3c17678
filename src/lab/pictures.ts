/**
 * A saved output whose kernel is gone. JupyterLab says "model not found" in its place, unless all widgets' state was saved
 * with the notebook; but the output has a picture for just that, and it is shown instead. Whatever ipywidgets' renderer does
 * is left to it, whichever of the two is registered first.
 */
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { IRenderMime } from '@jupyterlab/rendermime';
import { isOurs, WIDGET_VIEW } from './latest-view';

const PICTURE = 'image/svg+xml';
/** What ipywidgets writes where it has no model. */
const FAILED = 'Error displaying widget';

export function showPictures(notebooks: INotebookTracker): void {
  notebooks.widgetAdded.connect((_, panel) => pictured(panel));
}

function pictured({ content: { rendermime } }: NotebookPanel): void {
  const create = rendermime.createRenderer.bind(rendermime);
  rendermime.createRenderer = (mime) => {
    const renderer = create(mime);
    if (mime !== WIDGET_VIEW) return renderer;
    const render = renderer.renderModel.bind(renderer);
    renderer.renderModel = async (model) => {
      await render(model);
      if (renderer.node.textContent?.startsWith(FAILED)) show(renderer.node, model);
    };
    return renderer;
  };
}

function show(node: HTMLElement, { data }: IRenderMime.IMimeModel): void {
  const svg = data[PICTURE];
  if (!isOurs(data) || svg === undefined) return;
  // An image runs no script: it needs no trust.
  const image = new Image();
  image.src = `data:${PICTURE};charset=utf-8,${encodeURIComponent(Array.isArray(svg) ? svg.join('') : String(svg))}`;
  image.alt = String(data['text/plain']);
  image.className = 'gb-lab-picture';
  const words = document.createElement('p');
  words.className = 'gb-lab-message';
  words.textContent = 'The picture that was saved with this notebook. Run the cell to work with the diagram.';
  node.replaceChildren(image, words);
}
