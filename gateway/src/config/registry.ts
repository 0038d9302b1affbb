// The registry: names and pages.
import { Type } from 'typebox';

export const registrySettings = {
  PAGINATION_DEFAULT_PAGE_SIZE: Type.Integer({
    default: 50,
    minimum: 1,
    maximum: 10_000,
    description: 'entries per page',
  }),
  PAGINATION_MAX_PAGE_SIZE: Type.Integer({
    default: 500,
    minimum: 1,
    maximum: 10_000,
    description: 'largest page that a request may ask for',
  }),
  GATEWAY_TOOL_NAME_SEPARATOR: Type.Enum(['-', '--', '_', '.'], {
    default: '-',
    description: 'stands between the slug of a gateway and the slug of its tool or prompt',
  }),
};
