// An upstream of the stateless revision asks nothing in the middle of its work: it answers that input is required, and the request
// is made again with that. A client of an older version is asked here, as if the upstream had asked it.
// https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { GatewayError } from '../errors.ts';
import { prependMembers } from '../mcp/json-text.ts';
import type { CancelSignal, ClientPeer, ForwardedAnswer } from '../mcp/ports.ts';
import type { UpstreamAnswer } from './upstream.ts';

/** An upstream that is never content must not hold us, and the user, for ever. */
const MAX_ROUNDS = 20;
const MAX_ASKED = 100;

const InputRequired = Type.Object({
  resultType: Type.Literal('input_required'),
  inputRequests: Type.Optional(
    Type.Record(
      Type.String(),
      Type.Object({
        method: Type.Union([
          Type.Literal('elicitation/create'),
          Type.Literal('sampling/createMessage'),
          Type.Literal('roots/list'),
        ]),
        params: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
      }),
    ),
  ),
  requestState: Type.Optional(Type.String()),
});

export interface InputRoundsOptions {
  url: string;
  paramsJson: string | undefined;
  /** Undefined: the client can be asked nothing. */
  peer: ClientPeer | undefined;
  signal: CancelSignal | undefined;
  /** Makes the request again. */
  again: (paramsJson: string) => Promise<UpstreamAnswer>;
}

/**
 * @param first the answer that is not complete
 * @throws GW_UPSTREAM_INVALID, what `again` throws, and why the client could not be asked
 */
export async function giveInput(first: UpstreamAnswer, options: InputRoundsOptions): Promise<UpstreamAnswer> {
  const { url, paramsJson = '{}', peer, signal = never, again } = options;
  let answer = first;
  for (let round = 0; answer.ok && answer.resultType !== undefined; round++) {
    const wanted: unknown = JSON.parse(answer.resultJson);
    if (!Value.Check(InputRequired, wanted)) {
      throw invalid(url, `its result is of the type ${answer.resultType}, or does not say what input it requires`);
    }
    const { inputRequests, requestState } = wanted;
    const asked = Object.entries(inputRequests ?? {});
    if (inputRequests === undefined && requestState === undefined) throw invalid(url, 'it requires no input by name');
    if (round === MAX_ROUNDS) throw invalid(url, `it still requires input after ${MAX_ROUNDS} rounds`);
    if (asked.length > MAX_ASKED) throw invalid(url, `it requires ${asked.length} inputs at a time`);
    if (asked.length > 0 && peer === undefined) {
      const methods = asked.map(([, { method }]) => method).join(', ');
      throw invalid(url, `it requires ${methods}; a client without a session cannot be asked`);
    }
    const given = await Promise.all(
      asked.map(async ([key, { method, params }]): Promise<[string, ForwardedAnswer | undefined]> => {
        const text = params === undefined ? undefined : JSON.stringify(params);
        return [key, await peer?.request(method, text, signal)];
      }),
    );
    const members: string[] = [];
    const responses: string[] = [];
    for (const [key, response] of given) {
      // An answer that is an error has no place among the inputs: the client does not want to go on.
      if (response?.ok === false) return response;
      if (response !== undefined) responses.push(`${JSON.stringify(key)}:${response.resultJson}`);
    }
    if (inputRequests !== undefined) members.push(`"inputResponses":{${responses.join()}}`);
    if (requestState !== undefined) members.push(`"requestState":${JSON.stringify(requestState)}`);
    answer = await again(prependMembers(paramsJson, members.join()));
  }
  return answer;
}

const never: CancelSignal = {
  aborted: false,
  reason: undefined,
  addEventListener: () => undefined,
  removeEventListener: () => undefined,
};

function invalid(url: string, detail: string): GatewayError {
  return new GatewayError('GW_UPSTREAM_INVALID', { detail: `${url}: ${detail}` });
}
