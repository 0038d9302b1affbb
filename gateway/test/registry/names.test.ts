import { describe, expect, it } from 'vitest';
import { parseCursor, toCursor } from '../../src/registry/cursor.ts';
import { toSlug, toUniqueName } from '../../src/registry/slug.ts';
import { createUriMatcher } from '../../src/registry/uri-template.ts';

describe('slugs', () => {
  it('are made as ContextForge makes them', () => {
    expect(toSlug('convert_time')).toBe('convert-time');
    expect(toSlug('  Fast Time!! (v2) ')).toBe('fast-time-v2');
    expect(toSlug('Zürich_Öl')).toBe('zurich-ol');
    expect(toSlug('时间')).toBe('时间');
  });

  it('are never empty, and differ when the names do', () => {
    expect(toSlug('___')).toMatch(/^[0-9a-f]{8}$/);
    expect(toSlug('___')).not.toBe(toSlug('!!!'));
  });

  it('get a number when they are taken', () => {
    const taken = new Set(['a', 'a-2']);
    expect([toUniqueName('a', taken), toUniqueName('a', taken), toUniqueName('b', taken)]).toEqual(['a-3', 'a-4', 'b']);
  });
});

describe('cursors', () => {
  it('lead back to where they point, for their own list only', () => {
    expect(parseCursor('tools', toCursor('tools', 42))).toBe(42);
    expect(() => parseCursor('prompts', toCursor('tools', 42))).toThrow('GW_INVALID_CURSOR');
  });

  it('are refused when they were made by somebody else', () => {
    for (const cursor of [
      '',
      'x',
      '-1',
      'dG9vbHM6',
      Buffer.from('tools:1e3').toString('base64url'),
      '9'.repeat(10_000),
    ]) {
      expect(() => parseCursor('tools', cursor), cursor.slice(0, 20)).toThrow('GW_INVALID_CURSOR');
    }
  });
});

describe('resource templates', () => {
  it.each([
    ['time://now/{zone}', 'time://now/Berlin', true],
    ['time://now/{zone}', 'time://now/Europe/Berlin', false],
    ['time://now/{+zone}', 'time://now/Europe/Berlin', true],
    ['time://now{/zone*}', 'time://now/Europe/Berlin', true],
    ['db://rows{?limit,offset}', 'db://rows', true],
    ['db://rows{?limit,offset}', 'db://rows?limit=5', true],
    ['db://{table}.{row}', 'db://users.5', true],
    ['a.b://x', 'aXb://x', false],
    ['time://now/{zone}', 'time://now/', false],
  ])('%s stands for %s: %s', (template, uri, isMatch) => {
    expect(createUriMatcher(template)(uri)).toBe(isMatch);
  });

  it('answer in time whatever is asked', () => {
    const isMatch = createUriMatcher('x://{+a}{+b}{+c}!');
    const startMs = performance.now();
    expect(isMatch(`x://${'a'.repeat(2000)}`)).toBe(false);
    expect(isMatch(`x://${'a'.repeat(1_000_000)}`)).toBe(false);
    expect(performance.now() - startMs).toBeLessThan(50);
  });
});
