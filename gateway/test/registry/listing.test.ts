import { expect, it } from 'vitest';
import { createListing, type ListedEntry } from '../../src/registry/listing.ts';

const entry = (seq: number, name: string, originalName = name): ListedEntry => ({
  id: `id-${seq}`,
  seq,
  name,
  originalName,
  gatewayId: 'g',
  json: JSON.stringify({ name }),
});

it('finds by public name before the upstream’s name, and by neither when two share it', () => {
  const listing = createListing(
    'tools',
    [entry(1, 'a', 'x'), entry(2, 'x', 'y'), entry(3, 'b', 'z'), entry(4, 'c', 'z')],
    10,
  );
  expect(listing.find('x')?.id).toBe('id-2');
  expect(listing.find('y')?.id).toBe('id-2');
  expect(listing.find('z')).toBeUndefined();
});

it('finds the first of several resources with one URI', () => {
  expect(createListing('resources', [entry(3, 'a://b'), entry(5, 'a://b')], 10).find('a://b')?.id).toBe('id-3');
});

it('ends with a page that has no cursor, also when the pages are all full', () => {
  const listing = createListing('prompts', [entry(1, 'a'), entry(5, 'b'), entry(9, 'c'), entry(12, 'd')], 2);
  const first = JSON.parse(listing.page(undefined));
  expect(first.prompts).toEqual([{ name: 'a' }, { name: 'b' }]);
  expect(JSON.parse(listing.page(first.nextCursor))).toEqual({ prompts: [{ name: 'c' }, { name: 'd' }] });
  expect(listing.page(undefined)).toBe(JSON.stringify(first));
});

it('goes on behind an entry that is gone', () => {
  const before = createListing('tools', [entry(1, 'a'), entry(2, 'b'), entry(3, 'c')], 2);
  const { nextCursor } = JSON.parse(before.page(undefined));
  const after = createListing('tools', [entry(1, 'a'), entry(3, 'c')], 2);
  expect(JSON.parse(after.page(nextCursor))).toEqual({ tools: [{ name: 'c' }] });
});

it('answers an empty list', () => {
  expect(createListing('resourceTemplates', [], 2).page(undefined)).toBe('{"resourceTemplates":[]}');
});
