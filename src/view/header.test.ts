import { describe, expect, it } from 'vitest';
import { architecture } from '../fixtures';
import type { Architecture } from '../wire/types.generated';
import { figuresOf } from './header';

const figure = (of: Architecture, what: string) => figuresOf(of).find(([, label]) => label === what)?.[0];

describe('the figures of an architecture', () => {
  it('call vocabulary only what is a table of tokens', () => {
    const text = architecture('gpt2');
    expect(figure(text, 'vocabulary')).toBe('50,257');
    expect(figure(text, 'outputs')).toBeUndefined();
    const patches = text.inputs.map((block) =>
      block.spec?.kind === 'embedding'
        ? { ...block, spec: { ...block.spec, of: { ...block.spec.of, value: 'patches' } } }
        : block,
    );
    const image = { ...text, inputs: patches };
    expect(figure(image, 'vocabulary')).toBeUndefined();
    expect(figure(image, 'outputs')).toBe('50,257');
  });
});
