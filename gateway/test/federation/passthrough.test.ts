import { expect, test } from 'vitest';
import { passedHeaders } from '../../src/federation/passthrough.ts';

test('a header whose value reads like the name of another does not hide that one', () => {
  const config = { ENABLE_HEADER_PASSTHROUGH: true, DEFAULT_PASSTHROUGH_HEADERS: 'X-Trace-Id,X-Tenant-Id,X-Trace-Id' };
  const headers = { 'x-trace-id': 'x-tenant-id', 'x-tenant-id': 'acme' };
  expect(passedHeaders(config, headers, { headers: {}, passthroughHeaders: undefined })).toEqual([
    ...['x-trace-id', 'x-tenant-id'],
    ...['x-tenant-id', 'acme'],
  ]);
});
