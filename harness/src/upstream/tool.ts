// One tool: how it describes itself, and what it answers. Bad arguments and failures are results with `isError`, so
// that a model can read them: https://modelcontextprotocol.io/specification/2025-11-25/server/tools#error-handling
import type { Static, TObject } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { isObject } from './json-rpc.ts';

/** The connection of a call. A tool that waits listens for `close` and gives up. */
export interface Caller {
  once(event: 'close', listener: () => void): unknown;
  off(event: 'close', listener: () => void): unknown;
}

export interface Tool {
  /** As `tools/list` shows it. */
  definition: { name: string } & Record<string, unknown>;
  /** The JSON text of a `CallToolResult`. Must not throw for any arguments. */
  call(args: unknown, caller: Caller): string | Promise<string>;
}

export interface ToolSpec<S extends TObject> {
  name: string;
  title: string;
  description: string;
  input: S;
  output?: TObject;
  run(args: Static<S>, caller: Caller): string | Promise<string>;
}

/** Thrown by a tool's `run`: answered as a result with `isError`. */
export class ToolError extends Error {}

// Compiled at the first call and once per schema: a millisecond each, which 50 tools at the start would feel.
const validators = new WeakMap<TObject, Validator>();

function toValidator<S extends TObject>(schema: S): Validator<Record<never, never>, S>;
function toValidator(schema: TObject): Validator {
  const known = validators.get(schema);
  if (known !== undefined) return known;
  const compiled = Compile(schema);
  validators.set(schema, compiled);
  return compiled;
}

/** `run` sees only arguments that match the input schema, with its defaults filled in. */
export function defineTool<S extends TObject>(spec: ToolSpec<S>): Tool {
  const { name, title, description, input, output, run } = spec;
  const definition = {
    name,
    title,
    description,
    inputSchema: toWireSchema(input),
    ...(output && { outputSchema: output }),
  };
  return {
    definition,
    call(args, caller) {
      const validator = toValidator(input);
      const filled: unknown = validator.Default(args ?? {});
      if (!validator.Check(filled)) {
        const faults = validator.Errors(filled).map((fault) => `${fault.instancePath || '/'} ${fault.message}`);
        return errorResult(`invalid arguments for ${name}: ${faults.join('; ')}`);
      }
      try {
        const answer = run(filled, caller);
        return typeof answer === 'string' ? answer : answer.catch(toErrorResult);
      } catch (error) {
        return toErrorResult(error);
      }
    },
  };
}

/** What has a default is not required of callers, although `run` always finds it. */
function toWireSchema(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(toWireSchema);
  if (!isObject(schema)) return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, toWireSchema(value)]));
  const { required, properties } = schema;
  if (Array.isArray(required) && isObject(properties)) {
    copy['required'] = required.filter((name: string) => {
      const property = properties[name];
      return !(isObject(property) && 'default' in property);
    });
  }
  return copy;
}

export function textResult(text: string): string {
  return `{"content":[{"type":"text","text":${JSON.stringify(text)}}]}`;
}

/** `structuredContent` and, for older clients, the same as text. */
export function structuredResult(structured: unknown): string {
  const text = JSON.stringify(structured);
  return `{"content":[{"type":"text","text":${JSON.stringify(text)}}],"structuredContent":${text}}`;
}

export function errorResult(text: string): string {
  return `{"content":[{"type":"text","text":${JSON.stringify(text)}}],"isError":true}`;
}

function toErrorResult(error: unknown): string {
  if (error instanceof ToolError) return errorResult(error.message);
  throw error;
}
