import { expect, test } from 'vitest';
import { createWordFinder } from '../../src/plugins/word-finder.ts';

test('it finds what a search for each word finds, in every text of few letters', () => {
  const words = ['aab', 'bab', 'bca'];
  const find = createWordFinder(words);
  const texts = [''];
  for (const text of texts) if (text.length < 6) for (const letter of 'abc') texts.push(text + letter);
  for (const text of texts) {
    expect(find(text) !== undefined, text).toBe(words.some((word) => text.includes(word)));
  }
});

test('case does not matter', () => {
  expect(createWordFinder(['Straße'])('DIE STRAßE')).toBe('Straße');
});
