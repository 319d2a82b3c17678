/**
 * What there is to be seen, scene by scene: `pictures/` takes them for the docs, `tests/golden.spec.ts` holds the main ones
 * against the pictures that were looked at. Each says what is on it, and how to get there as a person would.
 */
import type { Locator, Page } from '@playwright/test';
import { at } from './diagram';
import type { Source } from './pages';

export interface Scene {
  readonly name: string;
  readonly source: Source;
  readonly about: string;
  readonly width?: number;
  readonly height?: number;
  readonly dark?: boolean;
  /** Whether a test holds it. */
  readonly golden?: boolean;
  readonly act?: (view: Locator, page: Page) => Promise<void>;
}

const select = (address: string) => async (view: Locator) => {
  await at(view, address).click();
};

/** Press keys one after the other, on what has the focus. */
const press =
  (...keys: string[]) =>
  async (_: Locator, page: Page) => {
    for (const key of keys) await page.keyboard.press(key);
  };

const then =
  (...acts: ((view: Locator, page: Page) => Promise<void>)[]) =>
  async (view: Locator, page: Page) => {
    for (const act of acts) await act(view, page);
  };

const stage = (name: string) => async (view: Locator) => {
  await view.locator(`[data-stage="${name}"]`).first().click();
};

/** Select a block and open it on the stage. */
const open = (address: string) => then(select(address), press('o'));

const gemma3n = '{"model_type": "gemma3n_text"}';

export const ARCHITECTURES: readonly Scene[] = [
  { name: 'gpt2', source: 'gallery:gpt2', about: 'GPT-2: pre-norm, dense, a fused projection' },
  { name: 'llama-3-8b', source: 'gallery:llama-3-8b', about: 'Llama 3: grouped queries, a gated MLP', golden: true },
  {
    name: 'gemma-2-9b',
    source: 'gallery:gemma-2-9b',
    about: 'Gemma 2: norms on both sides, every other layer with a window',
  },
  { name: 'command-r', source: 'gallery:command-r', about: 'Command R: attention and MLP in parallel', golden: true },
  { name: 'olmo-2-7b', source: 'gallery:olmo-2-7b', about: 'OLMo 2: norms after the blocks' },
  {
    name: 'deepseek-v3',
    source: 'gallery:deepseek-v3',
    about: 'DeepSeek-V3: latent attention, 58 layers of 256 experts, a phantom',
    golden: true,
  },
  { name: 'mixtral-8x7b', source: 'gallery:mixtral-8x7b', about: 'Mixtral: eight experts, two for each token' },
  { name: 'gpt-oss-20b', source: 'gallery:gpt-oss-20b', about: 'gpt-oss: experts, sinks, windows' },
  {
    name: 'qwen3-next',
    source: 'gallery:qwen3-next-80b-a3b',
    about: 'Qwen3-Next: three gated delta rules for each attention',
    golden: true,
  },
  { name: 'jamba', source: 'gallery:jamba', about: 'Jamba: Mamba, attention, experts in every other layer' },
  { name: 'mamba2', source: 'gallery:mamba2-2.7b', about: 'Mamba-2: one mixer in each layer and nothing else' },
  { name: 'rwkv', source: 'gallery:rwkv-4-169m', about: 'RWKV: time mixing and channel mixing' },
  {
    name: 'recurrentgemma',
    source: 'gallery:recurrentgemma-2b',
    about: 'RecurrentGemma: recurrences and local attention',
  },
  { name: 'zamba2', source: 'gallery:zamba2-2.7b', about: 'Zamba2: a shared block beside the mixers' },
  { name: 'albert', source: 'gallery:albert-base-v2', about: 'ALBERT: one layer, twelve times' },
  { name: 'gemma3n', source: gemma3n, about: 'Gemma 3n: four streams side by side' },
  {
    name: 'bart',
    source: 'gallery:bart-base',
    about: 'BART: an encoder, and a decoder that looks at it',
    golden: true,
  },
  { name: 'whisper', source: 'gallery:whisper-large-v3-turbo', about: 'Whisper: sound in, text out' },
  { name: 'llava', source: 'gallery:llava-1.5-7b', about: 'LLaVA: a tower for images beside the text' },
];

export const OPENED: readonly Scene[] = [
  {
    name: 'open-gqa',
    source: 'gallery:llama-3-8b',
    about: 'inside grouped-query attention',
    act: open('L0.attn'),
    golden: true,
  },
  {
    name: 'open-mla',
    source: 'gallery:deepseek-v3',
    about: 'inside latent attention',
    act: open('L3.attn'),
    golden: true,
  },
  { name: 'open-moe', source: 'gallery:deepseek-v3', about: 'inside a mixture of experts', act: open('L3.moe') },
  {
    name: 'open-deltanet',
    source: 'gallery:qwen3-next-80b-a3b',
    about: 'inside a gated delta rule',
    act: open('L0.mixer'),
    golden: true,
  },
  { name: 'open-mamba', source: 'gallery:jamba', about: 'inside Mamba', act: open('L0.mixer') },
  { name: 'open-rwkv', source: 'gallery:rwkv-4-169m', about: 'inside time mixing', act: open('L0.mixer') },
];

const HEAD = 'L1.attn.H0';

export const LIVE: readonly Scene[] = [
  { name: 'live-clean', source: 'demo:gpt', about: 'a live model, clean', golden: true },
  {
    name: 'live',
    source: 'demo:gpt',
    about: 'one head ablated: what changed, and what it predicts now',
    act: select(HEAD),
    golden: true,
  },
  { name: 'live-dark', source: 'demo:gpt', about: 'the same in dark', dark: true, act: select(HEAD), golden: true },
  {
    name: 'live-480',
    source: 'demo:gpt',
    about: 'the same at 480 pixels',
    width: 480,
    act: select(HEAD),
    golden: true,
  },
  { name: 'live-1400', source: 'demo:gpt', about: 'the same at 1,400 pixels', width: 1400, act: select(HEAD) },
  {
    name: 'projector',
    source: 'demo:gpt',
    about: 'for the back row: one key',
    width: 1280,
    height: 720,
    act: then(select(HEAD), press('p')),
    golden: true,
  },
  { name: 'moe', source: 'demo:moe', about: 'a mixture of experts at work', act: select('L1.moe.E0') },
  {
    name: 'experts',
    source: 'demo:moe',
    about: 'who goes where: experts by layer, and the tokens that each gets',
    act: stage('experts'),
    golden: true,
  },
  {
    name: 'hybrid',
    source: 'demo:hybrid',
    about: 'recurrent mixers and attention, at work',
    act: select('L0.mixer.H0'),
  },
  {
    name: 'sweep',
    source: 'demo:gpt',
    about: 'each head and block ablated, one at a time',
    act: stage('sweep'),
    golden: true,
  },
];

export const OTHERS: readonly Scene[] = [
  { name: 'unfold-480', source: 'gallery:deepseek-v3', about: 'DeepSeek-V3 at 480 pixels', width: 480, golden: true },
  { name: 'unfold-dark', source: 'gallery:qwen3-next-80b-a3b', about: 'Qwen3-Next in dark', dark: true },
  { name: 'unfold-1400', source: 'gallery:llava-1.5-7b', about: 'LLaVA at 1,400 pixels', width: 1400 },
  {
    name: 'compare',
    source: 'gallery:qwen3-next-80b-a3b gallery:deepseek-v3',
    about: 'two architectures side by side',
  },
];

export const SCENES: readonly Scene[] = [...ARCHITECTURES, ...OPENED, ...LIVE, ...OTHERS];
