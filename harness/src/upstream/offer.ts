// What one server offers. Lists never change, so their pages are serialised once and shared by all servers that offer the same.
import { RpcError, rpcCode } from './json-rpc.ts';
import type { Tool } from './tool.ts';

export interface Resource {
  definition: { uri: string; name: string; mimeType: string } & Record<string, unknown>;
  /** The text at the time of the call. */
  read(): string;
}

export interface ResourceTemplate {
  definition: { uriTemplate: string; name: string; mimeType: string } & Record<string, unknown>;
  /** The text, or undefined when the address is not one of this template. */
  read(uri: string): string | undefined;
}

export interface PromptMessage {
  role: 'user' | 'assistant';
  content: { type: 'text'; text: string };
}

export interface Prompt {
  definition: {
    name: string;
    title: string;
    description: string;
    arguments: { name: string; description: string; required: boolean }[];
  };
  get(args: Record<string, string>): PromptMessage[];
}

export interface OfferParts {
  tools: Tool[];
  resources: Resource[];
  templates: ResourceTemplate[];
  prompts: Prompt[];
}

export interface Offer {
  tools: Map<string, Tool>;
  resources: Map<string, Resource>;
  templates: ResourceTemplate[];
  prompts: Map<string, Prompt>;
  /** Result texts of the four list methods, one per page; the cursor of page n is its number. */
  pages: Record<'tools' | 'resources' | 'resourceTemplates' | 'prompts', string[]>;
}

/** @param pageSize entries per page of a list */
export function createOffer(parts: OfferParts, pageSize: number): Offer {
  const { tools, resources, templates, prompts } = parts;
  return {
    tools: new Map(tools.map((tool) => [tool.definition.name, tool])),
    resources: new Map(resources.map((resource) => [resource.definition.uri, resource])),
    templates,
    prompts: new Map(prompts.map((prompt) => [prompt.definition.name, prompt])),
    pages: {
      tools: toPages('tools', tools, pageSize),
      resources: toPages('resources', resources, pageSize),
      resourceTemplates: toPages('resourceTemplates', templates, pageSize),
      prompts: toPages('prompts', prompts, pageSize),
    },
  };
}

/** @throws RpcError for a cursor that no page has */
export function toPage(pages: string[], cursor: unknown): string {
  if (cursor !== undefined && typeof cursor !== 'string') {
    throw new RpcError(rpcCode.invalidParams, 'cursor must be a string');
  }
  const number = cursor === undefined ? 0 : /^[1-9]\d{0,5}$/.test(cursor) ? Number(cursor) : -1;
  const page = pages[number];
  if (page === undefined) throw new RpcError(rpcCode.invalidParams, `unknown cursor ${JSON.stringify(cursor)}`);
  return page;
}

function toPages(key: string, entries: { definition: unknown }[], pageSize: number): string[] {
  const pages: string[] = [];
  for (let start = 0; start === 0 || start < entries.length; start += pageSize) {
    const list = entries.slice(start, start + pageSize).map((entry) => entry.definition);
    const more = start + pageSize < entries.length;
    pages.push(JSON.stringify({ [key]: list, ...(more && { nextCursor: String(pages.length + 1) }) }));
  }
  return pages;
}
