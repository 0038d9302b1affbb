import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { checkAnswer } from '../../src/load/check-answer.ts';
import { directNames, type PrepareOptions, prepareRequests } from '../../src/load/requests.ts';
import { folders, readScenarios } from '../../src/plan/read.ts';
import type { Scenario } from '../../src/plan/scenario.ts';
import { dispatch, type McpServer } from '../../src/upstream/dispatch.ts';
import { fastTimeParts } from '../../src/upstream/fast-time/index.ts';
import { createOffer } from '../../src/upstream/offer.ts';

const scenarios = readScenarios();
const options = (changes: Partial<PrepareOptions> = {}): PrepareOptions => ({
  names: { ...directNames, serverId: 's-1', toolIds: ['a', 'b'], tool: (name) => `fast-time-${name}` },
  count: 50,
  seed: 7,
  uniquePrefix: 'u',
  payloadFolder: folders.payloads,
  ...changes,
});
const scenario = (id: string): Scenario => scenarios.find((one) => one.id === id) as Scenario;

const fastTime: McpServer = {
  name: 'fast_time',
  version: '1',
  offer: createOffer(fastTimeParts, 100),
  reportFailure: (error) => {
    throw error;
  },
};

describe('prepared requests', () => {
  it.each(scenarios.map((one) => one.id))('of %s are valid JSON with consecutive ids', (id) => {
    const requests = prepareRequests(scenario(id), options());
    expect(requests).toHaveLength(50);
    for (const [index, request] of requests.entries()) {
      if (request.body !== null) JSON.parse(request.body);
      if (request.rpcId !== null) expect(request.rpcId).toBe(index + 1);
      expect(request.path).not.toContain('{{');
    }
  });

  it('vary, and are the same for the same seed', () => {
    const bodies = (seed: number) =>
      prepareRequests(scenario('tools_call_simple'), options({ seed })).map((one) => one.body);
    expect(new Set(bodies(7)).size).toBe(50);
    expect(bodies(7)).toEqual(bodies(7));
    expect(bodies(7)).not.toEqual(bodies(8));
  });

  it('have the same arguments through the gateway and directly', () => {
    const argumentsOf = (id: string) =>
      prepareRequests(scenario(id), options()).map((one) => JSON.parse(one.body ?? '{}').params.arguments as unknown);
    expect(argumentsOf('tools_call_simple')).toEqual(argumentsOf('direct_tools_call_simple'));
    expect(argumentsOf('tools_call_complex')).toEqual(argumentsOf('direct_tools_call_complex'));
  });

  it('take the target’s names and ids', () => {
    const [call] = prepareRequests(scenario('tools_call_end_to_end'), options());
    expect(call?.path).toBe('/servers/s-1/mcp');
    expect(JSON.parse(call?.body ?? '').params.name).toBe('fast-time-convert_time');
    const [create] = prepareRequests(scenario('servers_create'), options());
    expect(JSON.parse(create?.body ?? '').server.associated_tools).toEqual(['a', 'b']);
  });

  it('expect what each of them asked for, and keep how the scenario says it', () => {
    const requests = prepareRequests(scenario('tools_call_large_payload'), options({ count: 2 }));
    for (const { body, rpcId, expect: expected } of requests) {
      const [begin, end] = expected.body;
      const { payload } = JSON.parse(body ?? '').params.arguments as { payload: string };
      expect(payload.startsWith(`${begin?.contains} `)).toBe(true);
      expect(payload.endsWith(` ${end?.contains}`)).toBe(true);
      expect(end).toMatchObject({ contains: `終わり ${rpcId}.`, template: { contains: '終わり {{id}}.' } });
      expect(begin).not.toHaveProperty('template');
    }
  });

  it.each([
    ['{{timezone}}', /"timezone" not defined/],
    ['[', /Invalid regular expression/],
  ])('cannot expect %s', (matches, message) => {
    const [request] = scenario('tools_list').requests;
    const expected = { status: 200, jsonRpc: true, body: [{ path: 'result', matches }] };
    const broken = { ...scenario('tools_list'), requests: [{ ...request, expect: expected }] } as Scenario;
    expect(() => prepareRequests(broken, options())).toThrow(/SCENARIO_INVALID.*request 'tools\/list' cannot be made/);
    expect(() => prepareRequests(broken, options())).toThrow(message);
  });

  it.each(['direct_tools_call_simple', 'direct_tools_call_complex', 'tools_call_large_payload', 'mixed_workload'])(
    'of %s expect what the fast time server answers, and nothing else',
    async (id) => {
      const answered = ['tools/call', 'resources/read', 'prompts/get'];
      const requests = prepareRequests(scenario(id), options({ names: directNames })).filter(({ body }) =>
        answered.includes(JSON.parse(body ?? '{}').method),
      );
      expect(requests.length).toBeGreaterThan(20);
      for (const request of requests) {
        const answer = String(await dispatch(fastTime, JSON.parse(request.body ?? ''), new EventEmitter()));
        expect(checkAnswer(request, 200, answer)).toBeNull();
        const { jsonrpc, id: rpcId, result } = JSON.parse(answer);
        if (result.content === undefined) continue;
        const text = 'The upstream server is not there.';
        const other = JSON.stringify({ jsonrpc, id: rpcId, result: { content: [{ type: 'text', text }] } });
        expect(checkAnswer(request, 200, other)).toMatchObject({ kind: 'body' });
      }
    },
  );

  it('create under names that occur once', () => {
    const names = prepareRequests(scenario('servers_create'), options()).map(
      (one) => JSON.parse(one.body ?? '').server.name as string,
    );
    expect(new Set(names).size).toBe(50);
    expect(names.every((name) => name.startsWith('u-'))).toBe(true);
  });

  it('of the mixed workload keep the weights', () => {
    const requests = prepareRequests(scenario('mixed_workload'), options({ count: 5000 }));
    const share = (name: string) => requests.filter((one) => one.name === name).length / requests.length;
    expect(share('convert_time')).toBeCloseTo(0.4, 1);
    expect(share('health')).toBeCloseTo(0.05, 1);
  });

  it('name the scenario and the file when a payload is missing', () => {
    const broken = {
      ...scenario('tools_list'),
      requests: scenario('tools_list').requests.map((one) => ({ ...one, payload: 'tools/none.json' })),
    };
    expect(() => prepareRequests(broken, options())).toThrow(
      /SCENARIO_INVALID.*tools_list\.yaml: payload 'tools\/none\.json'/,
    );
  });

  it('name the request when a template asks for what there is not', () => {
    const broken = {
      ...scenario('tools_list'),
      requests: scenario('tools_list').requests.map((one) => ({ ...one, path: '/{{nothing}}' })),
    };
    expect(() => prepareRequests(broken, options())).toThrow(/SCENARIO_INVALID.*request 'tools\/list' cannot be made/);
  });
});
