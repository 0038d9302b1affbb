import { describe, expect, it } from 'vitest';
import { choosePinning, detectPinning, parseCoreList } from '../../src/infra/pinning.ts';

const alone = new Map<number, number[]>();

describe('pinning', () => {
  it('gives the gateway and the load generator a core each where there are two', () => {
    const pinning = choosePinning({ allowed: [0, 1], siblings: alone, hasTaskset: true });
    expect(pinning).toMatchObject({ pinned: true, gateway: [0], load: [1], others: [1] });
  });

  it('gives PostgreSQL and the MCP servers the rest where there are more', () => {
    const pinning = choosePinning({ allowed: [2, 3, 5, 7], siblings: alone, hasTaskset: true });
    expect(pinning).toMatchObject({ gateway: [2], load: [3], others: [5, 7] });
  });

  it('keeps the load off the other thread of the gateway’s core', () => {
    const siblings = new Map([0, 1, 2, 3].map((core) => [core, core < 2 ? [0, 1] : [2, 3]]));
    const pinning = choosePinning({ allowed: [0, 1, 2, 3], siblings, hasTaskset: true });
    expect(pinning).toMatchObject({ gateway: [0], load: [2], others: [3] });
  });

  it('says so when the only two cores are threads of one', () => {
    const siblings = new Map([0, 1].map((core) => [core, [0, 1]]));
    expect(choosePinning({ allowed: [0, 1], siblings, hasTaskset: true }).note).toContain(
      'threads of one physical core',
    );
  });

  it('pins nothing on one core, or without taskset, and says why', () => {
    const nothing = { pinned: false, gateway: [], load: [], others: [] };
    const single = choosePinning({ allowed: [4], siblings: alone, hasTaskset: true });
    expect(single).toMatchObject(nothing);
    expect(single.note).toContain('only one core');
    const without = choosePinning({ allowed: [0, 1], siblings: alone, hasTaskset: false });
    expect(without).toMatchObject(nothing);
    expect(without.note).toContain('taskset is not there');
  });

  it('reads the kernel’s list format', () => {
    expect(parseCoreList('0-2,5,8-9\n')).toEqual([0, 1, 2, 5, 8, 9]);
    expect(parseCoreList('')).toEqual([]);
  });

  it('decides for this machine without sharing a core between gateway and load', () => {
    const pinning = detectPinning();
    expect(pinning.gateway.filter((core) => pinning.load.includes(core))).toEqual([]);
    expect(pinning.note).not.toBe('');
  });
});
