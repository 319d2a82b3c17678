// Which of a notebook's outputs is its latest Glassblock diagram, read from the notebook's model: cells that are scrolled
// out of sight have no DOM to look at.
import { isCodeCellModel } from '@jupyterlab/cells';
import type { INotebookModel } from '@jupyterlab/notebook';
import type { IOutputModel } from '@jupyterlab/rendermime';
import type { ReadonlyPartialJSONValue } from '@lumino/coreutils';

/** The type of an output that stands for a view of a widget; its value names the widget's model. */
export const WIDGET_VIEW = 'application/vnd.jupyter.widget-view+json';

/** What the kernel's text for a diagram begins with, beside the widget view in the same output. */
const NAME = 'Glassblock';

/** The view shown by the cell that ran last; undefined where the notebook shows no diagram. */
export function latestView(notebook: INotebookModel): ReadonlyPartialJSONValue | undefined {
  let found: ReadonlyPartialJSONValue | undefined;
  let newest = -1;
  for (const cell of notebook.cells) {
    if (!isCodeCellModel(cell)) continue;
    const ran = cell.executionCount ?? 0;
    if (ran < newest) continue;
    for (let i = 0; i < cell.outputs.length; i++) {
      const output = cell.outputs.get(i);
      if (!isDiagram(output)) continue;
      found = output.data[WIDGET_VIEW];
      newest = ran;
    }
  }
  return found;
}

/** Whether an output is one of ours. */
export function isOurs(data: IOutputModel['data']): boolean {
  const text = data['text/plain'];
  return WIDGET_VIEW in data && typeof text === 'string' && text.startsWith(NAME);
}

const isDiagram = ({ trusted, data }: IOutputModel): boolean => trusted && isOurs(data);
