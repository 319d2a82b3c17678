import type { IJupyterLabPageFixture } from '@jupyterlab/galata';
import type { NotebookPanel } from '@jupyterlab/notebook';

/** Run code in the notebook's kernel, beside its cells, and return what it prints; an error is thrown. */
export async function ask(page: IJupyterLabPageFixture, code: string): Promise<string> {
  return page.evaluate(async (source) => {
    const { sessionContext } = window.jupyterapp.shell.currentWidget as NotebookPanel;
    const future = sessionContext.session?.kernel?.requestExecute({ code: source, store_history: false });
    let printed = '';
    let failure = '';
    if (future) {
      future.onIOPub = ({ content }) => {
        if ('text' in content) printed += content.text;
        if ('ename' in content) failure = `${content.ename}: ${content.evalue}`;
      };
      await future.done;
    }
    if (failure) throw new Error(failure);
    return printed.trim();
  }, code);
}
