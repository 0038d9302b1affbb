// The app with its admin pages over an empty registry on SQLite.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { openStore } from '../../../src/store/store.ts';
import { configOf } from '../../config-of.ts';
import { createTestApp, type TestApp, type TestAppOptions, token } from '../../test-app.ts';

export interface AdminApp extends TestApp {
  /** A page as a browser that is logged in asks for it. */
  page(url: string): Promise<{ status: number; html: string; headers: Record<string, unknown> }>;
  /** A form as a browser posts it from one of our pages. */
  submit(url: string, form: Record<string, string>, headers?: Record<string, string>): ReturnType<TestApp['send']>;
}

export async function startAdminApp(options: TestAppOptions = {}): Promise<AdminApp> {
  const folder = await mkdtemp(join(tmpdir(), 'gatebench-admin-'));
  const store = await openStore(
    configOf({ DATABASE_URL: `sqlite:///${join(folder, 'admin.db')}` }),
    pino({ level: 'silent' }),
  );
  const environment = { MCPGATEWAY_UI_ENABLED: 'true', SSRF_ALLOW_LOCALHOST: 'true', ...options.environment };
  const gateway = createTestApp({ store, ...options, environment });
  const browser = { cookie: `jwt_token=${token('admin')}`, accept: 'text/html', host: '127.0.0.1:4444' };
  return {
    ...gateway,
    async page(url) {
      const answer = await gateway.app.inject({ url, headers: browser });
      return { status: answer.statusCode, html: answer.body, headers: answer.headers };
    },
    submit: async (url, form, headers = {}) =>
      gateway.app.inject({
        method: 'POST',
        url,
        headers: {
          ...browser,
          origin: 'http://127.0.0.1:4444',
          'content-type': 'application/x-www-form-urlencoded',
          ...headers,
        },
        payload: new URLSearchParams(form).toString(),
      }),
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
