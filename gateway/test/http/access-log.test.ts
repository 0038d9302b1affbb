import { expect, it } from 'vitest';
import { createTestApp } from '../test-app.ts';

it('cuts a long path in the line of a request, which anybody can make the gateway write', async () => {
  await using gateway = createTestApp({ environment: { LOG_LEVEL: 'info', DISABLE_ACCESS_LOG: 'false' } });
  await gateway.app.inject({ method: 'GET', url: `/${'x'.repeat(16_000)}?token=secret` });
  await expect.poll(() => gateway.logged.length).toBeGreaterThan(0);
  const line = JSON.stringify(gateway.logged.find((one) => 'path' in one));
  expect(line).toContain(`"path":"/${'x'.repeat(1000)}`);
  expect(line.length).toBeLessThan(2000);
});
