import { describe, expect, it } from 'vitest';
import { architecture } from '../fixtures';
import { tall } from '../fixtures/tall';
import { locate } from './model';
import { search } from './search';

const find = (model: Parameters<typeof architecture>[0], query: string) => search(architecture(model), query);
const first = (model: Parameters<typeof architecture>[0], query: string) => find(model, query).found[0]?.address;

describe('an address', () => {
  it.each(['L3.attn.H7', 'l3.attn.h7', 'l3 h7', '3.7', 'layer 3 head 7', 'L3 attn 7'])('is found as "%s"', (query) => {
    expect(first('gemma2', query)).toBe('L3.attn.H7');
  });

  it('of a layer is that layer, and then what is in it', () => {
    const addresses = find('gemma2', 'L17').found.map(({ address }) => address);
    expect(addresses.slice(0, 3)).toEqual(['L17', 'L17.attn', 'L17.mlp']);
  });

  it('names the stack where there are several, and is looked for in all where it does not', () => {
    expect(first('t5', 'dec.L2.attn')).toBe('dec.L2.attn');
    expect(first('t5', 'dec l2')).toBe('dec.L2');
    const both = find('t5', 'l2').found.map(({ address }) => address);
    expect(both.slice(0, 2)).toEqual(['enc.L2', 'dec.L2']);
  });

  it('of an expert is found among hundreds', () => {
    expect(first('deepseek_v3', 'l5.moe.e200')).toBe('L5.moe.E200');
    expect(first('deepseek_v3', '60 e255')).toBe('L60.moe.E255');
  });

  it('that is not there is said to be none, with those that are', () => {
    expect(find('gemma2', 'L99')).toMatchObject({ found: [], why: 'There is no layer 99: they go from L0 to L25.' });
    expect(find('gemma2', 'l3 h8').found).toEqual([]);
  });
});

describe('a module path', () => {
  it('is the block there, or the one that the module is in', () => {
    expect(first('gemma2', 'model.layers.3.self_attn')).toBe('L3.attn');
    expect(first('gemma2', 'model.layers.13.self_attn.q_proj')).toBe('L13.attn');
    expect(first('gemma2', 'model.layers.1')).toBe('L1');
    expect(first('gemma2', 'model.embed_tokens')).toBe('embed');
    expect(first('t5', 'decoder.block.4.layer.1.EncDecAttention')).toBe('dec.L4.cross');
  });

  // As transformers names the modules of these models.
  it.each([
    ['llama', 'layers.3.mlp', 'L3.mlp'],
    ['llama', 'layers.3', 'L3'],
    ['llama', 'Layers[3].mlp', 'L3.mlp'],
    ['llama', 'layers.3.mlp.gate_proj.weight', 'L3.mlp'],
    ['llama', '3.self_attn.q_proj', 'L3.attn'],
    ['gpt2', 'h.11.mlp.c_fc', 'L11.mlp'],
    ['t5', 'block.4.layer.1.encdec', 'dec.L4.cross'],
    ['t5', 'layer.2.DenseReluDense.wi', 'dec.L0.mlp'],
    ['deepseek_v3', 'layers.60.mlp.gate', 'L60.moe.router'],
    ['qwen3_vl', 'visual.blocks.3.attn', 'vision.L3.attn'],
  ] as const)('of %s is found by the piece %s', (model, piece, address) => {
    expect(first(model, piece)).toBe(address);
  });

  it.each([
    ['llama', 'self_attn.q', 'attn', 32, 'q_proj in '],
    ['llama', 'gate_proj', 'mlp', 32, 'gate_proj in '],
    ['deepseek_v3', 'kv_a_proj', 'attn', 61, 'kv_a_proj_with_mqa in '],
  ] as const)('of %s without a layer, %s, is that of all layers', (model, piece, name, layers, about) => {
    const { found, marks } = find(model, piece);
    expect(found[0]?.name.split('.')[0]).toBe(name);
    expect(found[0]?.about).toMatch(new RegExp(`^${about}`));
    expect(marks?.layers).toBe(layers);
  });

  it('tears no number in two', () => {
    const places = find('llama', 'layers.3.mlp').found.map(({ address }) => address);
    expect(places.every((address) => address.startsWith('L3.'))).toBe(true);
  });
});

describe('where nothing matches', () => {
  it.each(['gemma2', 'jamba', 'deepseek_v3', 't5', 'mamba', 'whisper', 'rwkv'] as const)(
    'what can be searched is said with examples that %s has',
    (model) => {
      const { why } = find(model, 'xyzzy');
      expect(why).toMatch(/^Nothing here is called that\. Search by an address \(/);
      const examples = [...why.matchAll(/\(([^)]+)\)/g)].flatMap(([, one = '']) => one.split(', '));
      expect(examples.length).toBeGreaterThan(2);
      for (const example of examples) expect(find(model, example).found, example).not.toEqual([]);
    },
  );
});

// How often each kind occurs is stated by the papers of these models.
describe('a kind', () => {
  it.each([
    ['gemma2', 'sliding window', 13, 'every 2nd, L0 to L24'],
    ['gemma2', 'full', 13, 'every 2nd, L1 to L25'],
    ['jamba', 'mamba', 28, 'L0 to L3, L5 to L11, L13 to L19, L21 to L27, L29 to L31'],
    ['jamba', 'MoE', 16, 'every 2nd, L1 to L31'],
    ['qwen3_next', 'full attention', 12, 'every 4th, L3 to L47'],
    ['qwen3_next', 'gated delta', 36, 'L0 to L46 but every 4th from L3'],
    ['deepseek_v3', 'mla', 61, 'L0 to L60'],
    ['deepseek_v3', 'moe', 58, 'L3 to L60'],
    ['llama', 'gqa', 32, 'L0 to L31'],
  ] as const)('of %s, %s, is in %i layers', (model, query, layers, where) => {
    expect(find(model, query).marks).toMatchObject({ layers, where });
  });

  it('is found before the parts and norms that share its name', () => {
    expect(first('deepseek_v3', 'moe')).toBe('L3.moe');
    expect(first('gemma2', 'attn')).toBe('L0.attn');
  });

  it('has no marks where a place is named', () => {
    expect(find('gemma2', 'l3 attn').marks).toBeNull();
  });
});

it('finds only what there is', () => {
  for (const model of ['gemma2', 't5', 'deepseek_v3', 'qwen3_vl', 'albert'] as const) {
    for (const query of ['attn', '1', 'norm', 'mlp', 'e', 'head', 'l0 h1']) {
      for (const { address } of find(model, query).found)
        expect(locate(architecture(model), address), address).not.toBeNull();
    }
  }
});

it('finds one of 100,000 layers', () => {
  const model = tall();
  expect(search(model, 'model.layers.99999.mlp').found[0]?.address).toBe('L99999.mlp');
  expect(search(model, 'L77777 h5').found[0]?.address).toBe('L77777.attn.H5');
  expect(search(model, 'sliding').marks?.layers).toBe(50_000);
});
