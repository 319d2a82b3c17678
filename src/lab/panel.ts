// The side panel. JupyterLab's widget manager draws any number of views of one widget, so the panel asks the notebook's
// own renderers for one more: same widget, same kernel. A hidden panel has no view, because a view that nobody sees would
// still repaint with every forward pass.
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { MimeModel } from '@jupyterlab/rendermime';
import { LabIcon } from '@jupyterlab/ui-components';
import type { ReadonlyPartialJSONValue } from '@lumino/coreutils';
import type { Message } from '@lumino/messaging';
import { Signal } from '@lumino/signaling';
import { Panel, Widget } from '@lumino/widgets';
import iconSvg from '../../style/icon.svg';
import { latestView, WIDGET_VIEW } from './latest-view';

const NO_NOTEBOOK = 'Open a notebook to see its diagram here.';
const NO_DIAGRAM =
  'This notebook shows no Glassblock diagram yet. Run a cell that ends with one, for example glassblock.demo().';
const NO_WIDGETS =
  'JupyterLab cannot show widgets here. Install ipywidgets where JupyterLab runs (pip install ipywidgets), then reload the page.';

export class DiagramPanel extends Panel {
  private readonly notebooks: INotebookTracker;
  private notebook: NotebookPanel | null = null;
  /** The message or the view on show, as text: what changes elsewhere in the notebook leaves it alone. */
  private shown: string | null = null;

  constructor(notebooks: INotebookTracker) {
    super();
    this.id = 'glassblock-panel';
    this.addClass('gb-lab-panel');
    this.title.caption = 'Glassblock';
    this.title.icon = new LabIcon({ name: 'glassblock:diagram', svgstr: iconSvg });
    this.notebooks = notebooks;
    notebooks.currentChanged.connect(this.refresh, this);
  }

  override dispose(): void {
    Signal.clearData(this);
    super.dispose();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.refresh();
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.clear();
  }

  /** Show the current notebook's latest diagram; called again whenever the notebook or one of its outputs changes. */
  private refresh(): void {
    const notebook = this.notebooks.currentWidget;
    this.follow(notebook);
    if (!this.isVisible) return;
    const model = notebook?.content.model;
    const view = model && latestView(model);
    if (!notebook || !model) this.put(NO_NOTEBOOK, () => message(NO_NOTEBOOK));
    else if (view === undefined) this.put(NO_DIAGRAM, () => message(NO_DIAGRAM));
    else this.put(`${notebook.id} ${JSON.stringify(view)}`, () => draw(notebook, view));
  }

  private follow(notebook: NotebookPanel | null): void {
    if (notebook === this.notebook) return;
    this.notebook?.content.modelContentChanged.disconnect(this.refresh, this);
    this.notebook = notebook;
    notebook?.content.modelContentChanged.connect(this.refresh, this);
  }

  private put(key: string, make: () => Widget): void {
    if (key === this.shown) return;
    this.clear();
    this.shown = key;
    this.addWidget(make());
  }

  private clear(): void {
    this.shown = null;
    for (const widget of [...this.widgets]) widget.dispose();
  }
}

function draw(notebook: NotebookPanel, view: ReadonlyPartialJSONValue): Widget {
  const { rendermime } = notebook.content;
  if (!rendermime.getFactory(WIDGET_VIEW)) return message(NO_WIDGETS);
  const renderer = rendermime.createRenderer(WIDGET_VIEW);
  void renderer.renderModel(new MimeModel({ data: { [WIDGET_VIEW]: view }, trusted: true }));
  return renderer;
}

function message(text: string): Widget {
  const node = document.createElement('p');
  node.className = 'gb-lab-message';
  node.textContent = text;
  return new Widget({ node });
}
