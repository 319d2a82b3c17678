// A click while the model generates: the next token already sees it. torch really computes: a random model of GPT-2's shape.
import { expect, galata, type IJupyterLabPageFixture, test } from '@jupyterlab/galata';
import { at } from '../helpers/diagram';
import { ask } from '../helpers/kernel';
import { newNotebook, runCell } from '../helpers/notebook';

const PREPARE = `
import time, torch, glassblock as gb
from transformers import GPT2Config, GPT2LMHeadModel
torch.manual_seed(0)
model = GPT2LMHeadModel(GPT2Config(bos_token_id=None, eos_token_id=None)).eval()
ids = torch.randint(0, 50257, (1, 8))
session = gb.attach(model)
log = []
def watch(event, what):
    if event == "frame":
        log.append(("frame", what.interventions))
    elif event == "interventions":
        log.append(("click", len(what)))
session.subscribe(watch)
`;
const IN_A_CELL = `
from IPython.display import display
display(session)
model.generate(ids, max_new_tokens=900, max_time=12, do_sample=False, pad_token_id=0)
`;
const IN_THE_BACKGROUND = `
generation = session.generate(ids, max_new_tokens=900, max_time=12, background=True)
session
`;

/** Click while the model generates; return how many further tokens were begun without the ablation. */
async function tokensThatMissedIt(page: IJupyterLabPageFixture, code: string): Promise<number> {
  await newNotebook(page);
  await runCell(page, PREPARE);
  const output = await runCell(page, code, false);
  const view = output.locator('.gb-root');
  await expect(at(view, 'L0.mlp')).toBeVisible();
  await expect(view, 'frames arrive').toHaveAttribute('data-frame', /[0-9]+/);
  await at(view, 'L0.mlp').click();
  await expect(view.getByTestId('python-line')).toContainText('session.ablate("L0.mlp"');
  // The kernel answers this when its cell has ended; a background generation is waited for.
  const end = "if 'generation' in globals(): generation.result()";
  const log = JSON.parse(await ask(page, `import json\n${end}\nprint(json.dumps(log))`)) as [string, number][];
  const click = log.findIndex(([what]) => what === 'click');
  expect(click, 'the click was carried out').toBeGreaterThan(0);
  const after = log.slice(click + 1).map(([, interventions]) => interventions);
  expect(after.length, 'and the model still had tokens to write').toBeGreaterThan(2);
  expect(after.at(-1)).toBe(1);
  return after.indexOf(1);
}

test('in a running cell, in the default setting', async ({ page }) => {
  // One token can be under way when the click arrives.
  expect(await tokensThatMissedIt(page, IN_A_CELL)).toBeLessThanOrEqual(1);
});

test.describe('without subshells', () => {
  const setting = '@jupyterlab/apputils-extension:kernels-settings';
  test.use({ mockSettings: { ...galata.DEFAULT_SETTINGS, [setting]: { commsOverSubshells: 'disabled' } } });

  test('in a background thread', async ({ page }) => {
    expect(await tokensThatMissedIt(page, IN_THE_BACKGROUND)).toBeLessThanOrEqual(1);
  });
});
