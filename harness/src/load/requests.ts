// The seeded request generator: from a scenario's templates to the requests that both drivers read from a file. Nothing is
// drawn during the load, so that drawing costs no latency and two subjects get exactly the same requests.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Handlebars from 'handlebars';
import { HarnessError } from '../errors.ts';
import type { Check, RequestTemplate, Scenario } from '../plan/scenario.ts';
import { createRandom, type Random, randomInteger, randomItem } from '../random.ts';
import type { PreparedCheck, PreparedRequest } from './driver.ts';

/** How the target calls what the fast time server calls otherwise. */
export interface TargetNames {
  serverId: string;
  /** Ids of some registered tools, for what composes them. */
  toolIds: string[];
  tool(originalName: string): string;
  resource(originalUri: string): string;
  prompt(originalName: string): string;
}

/** The fast time server itself: everything has its own name. */
export const directNames: TargetNames = {
  serverId: '',
  toolIds: [],
  tool: (name) => name,
  resource: (uri) => uri,
  prompt: (name) => name,
};

export interface PrepareOptions {
  names: TargetNames;
  count: number;
  seed: number;
  /** Begins everything that `{{unique}}` makes; different for every trial of every run. */
  uniquePrefix: string;
  payloadFolder: string;
}

const timezones = Intl.supportedValuesOf('timeZone').filter((zone) => zone.includes('/'));
const names = [
  'Zoë',
  'Björn',
  'O’Neill',
  '李小龍',
  'Nuñez',
  'Ægir',
  'Łukasz',
  'Ανδρέας',
  'Мария',
  'محمد',
  'Kim',
  'Smith',
];
const unicodeWords = ['größe', '測試', 'naïve', 'пример', '日本語', 'ελληνικά', 'café', '😀', 'عربى', '한국어'];

/** @returns `count` requests; the same options give the same requests. @throws SCENARIO_INVALID when a template is wrong */
export function prepareRequests(scenario: Scenario, options: PrepareOptions): PreparedRequest[] {
  const random = createRandom(options.seed);
  const state = { id: 0 };
  const templates = scenario.requests.map((request) => compileTemplate(request, scenario, options.payloadFolder));
  const constant = createConstantHelpers(state, options);
  const helpers = { constant, all: { ...constant, ...createDrawingHelpers(random) } };
  const totalWeight = scenario.requests.reduce((sum, request) => sum + request.weight, 0);
  return Array.from({ length: options.count }, (_, index) => {
    state.id = index + 1;
    let ticket = random() * totalWeight;
    const chosen = templates.find(({ request }) => {
      ticket -= request.weight;
      return ticket < 0;
    });
    return render(chosen ?? (templates[0] as CompiledTemplate), scenario, options.names, helpers);
  });
}

interface CompiledTemplate {
  request: RequestTemplate;
  path: HandlebarsTemplateDelegate;
  body: HandlebarsTemplateDelegate | null;
  checks: CompiledCheck[];
}

interface CompiledCheck {
  check: Check;
  /** The texts that hold a template, by their names in the check. */
  texts: [TextName, HandlebarsTemplateDelegate][];
}

const textNames = ['equals', 'contains', 'matches'] as const;
type TextName = (typeof textNames)[number];

function compile(text: string): HandlebarsTemplateDelegate {
  return Handlebars.compile(text, { noEscape: true, strict: true });
}

function compileCheck(check: Check): CompiledCheck {
  const texts = textNames.flatMap((name): CompiledCheck['texts'] => {
    const text = check[name];
    return typeof text === 'string' && text.includes('{{') ? [[name, compile(text)]] : [];
  });
  return { check, texts };
}

function compileTemplate(request: RequestTemplate, scenario: Scenario, payloadFolder: string): CompiledTemplate {
  const common = { request, path: compile(request.path), checks: request.expect.body.map(compileCheck) };
  if (request.payload === undefined) return { ...common, body: null };
  try {
    const text = readFileSync(join(payloadFolder, request.payload), 'utf8').trim();
    return { ...common, body: compile(text) };
  } catch (cause) {
    throw new HarnessError('SCENARIO_INVALID', {
      detail: `scenarios/${scenario.id}.yaml: payload '${request.payload}' cannot be read: ${(cause as Error).message}`,
      cause,
    });
  }
}

type HelperTable = Record<string, (...values: never[]) => string | number>;

interface Helpers {
  /** Those that give the same again within a request. */
  constant: HelperTable;
  all: HelperTable;
}

/** `{{#repeat 20}}…{{/repeat}}`; `@first` inside as in Handlebars' own `each`. */
function repeat(this: unknown, count: number, options: Handlebars.HelperOptions): string {
  return Array.from({ length: count }, (_, index) =>
    options.fn(this, { data: { ...options.data, index, first: index === 0 } }),
  ).join('');
}

function createConstantHelpers(
  state: { id: number },
  { names: targetNames, uniquePrefix }: PrepareOptions,
): HelperTable {
  return {
    id: () => state.id,
    unique: () => `${uniquePrefix}-${state.id}`,
    tool: (name: string) => targetNames.tool(name),
    resource: (uri: string) => targetNames.resource(uri),
    prompt: (name: string) => targetNames.prompt(name),
  };
}

function createDrawingHelpers(random: Random): HelperTable {
  return {
    repeat,
    timezone: () => randomItem(random, timezones),
    clockTime: () => `${pad(randomInteger(random, 0, 23))}:${pad(randomInteger(random, 0, 59))}`,
    name: () => randomItem(random, names),
    integer: (minimum: number, maximum: number) => randomInteger(random, minimum, maximum),
    text: (length: number) => randomText(random, length, ['lorem', 'ipsum', 'dolor', 'sit', 'amet', 'consectetur']),
    unicode: (length: number) => randomText(random, length, unicodeWords),
  };
}

function render(
  template: CompiledTemplate,
  scenario: Scenario,
  targetNames: TargetNames,
  helpers: Helpers,
): PreparedRequest {
  const { request } = template;
  try {
    const context = { serverId: targetNames.serverId, toolIds: JSON.stringify(targetNames.toolIds).slice(1, -1) };
    const path = template.path(context, { helpers: helpers.all });
    const body = template.body?.(context, { helpers: helpers.all }) ?? null;
    const headers = body === null ? request.headers : { 'content-type': 'application/json', ...request.headers };
    return {
      name: request.name,
      method: request.method,
      path,
      headers,
      auth: request.auth,
      body,
      rpcId: body === null ? null : rpcIdOf(JSON.parse(body)),
      expect: {
        ...request.expect,
        body: template.checks.map((check) => renderCheck(check, context, helpers.constant)),
      },
    };
  } catch (cause) {
    if (cause instanceof HarnessError) throw cause;
    throw new HarnessError('SCENARIO_INVALID', {
      detail: `scenarios/${scenario.id}.yaml: request '${request.name}' cannot be made: ${(cause as Error).message}`,
      cause,
    });
  }
}

/** Without the helpers that draw: what is drawn here would be another value than the request's. */
function renderCheck({ check, texts }: CompiledCheck, context: object, helpers: HelperTable): PreparedCheck {
  const rendered = Object.fromEntries(texts.map(([name, text]) => [name, text(context, { helpers })]));
  const prepared = texts.length === 0 ? check : { ...check, ...rendered, template: check };
  if (prepared.matches !== undefined) new RegExp(prepared.matches); // throws when it is none
  return prepared;
}

function rpcIdOf(body: unknown): number | null {
  if (typeof body === 'object' && body !== null && 'jsonrpc' in body && 'id' in body) {
    return Number.isInteger(body.id) ? (body.id as number) : null;
  }
  return null;
}

function randomText(random: Random, length: number, words: string[]): string {
  let text = '';
  while (text.length < length) text += `${randomItem(random, words)} `;
  return text.trimEnd();
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}
