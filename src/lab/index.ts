// The JupyterLab plugin: a side panel with a second live view of the diagram that the current notebook shows, and pictures in
// the place of diagrams whose kernel is gone.
import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { DiagramPanel } from './panel';
import { showPictures } from './pictures';

const OPEN_PANEL = 'glassblock:open-panel';

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'glassblock:plugin',
  description: 'Shows the Glassblock diagram beside the notebook',
  autoStart: true,
  requires: [INotebookTracker],
  optional: [ICommandPalette, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    notebooks: INotebookTracker,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
  ) => {
    showPictures(notebooks);
    const panel = new DiagramPanel(notebooks);
    app.shell.add(panel, 'right', { rank: 900 });
    restorer?.add(panel, panel.id);
    app.commands.addCommand(OPEN_PANEL, {
      label: 'Glassblock: show the diagram beside the notebook',
      caption: "A second view of the notebook's Glassblock diagram, which stays in sight while the notebook scrolls",
      icon: panel.title.icon,
      execute: () => app.shell.activateById(panel.id),
    });
    palette?.addItem({ command: OPEN_PANEL, category: 'Glassblock' });
  },
};

export default plugin;
