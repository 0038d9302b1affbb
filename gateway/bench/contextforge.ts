// The original beside us: ContextForge from PyPI as one worker on SQLite, set up for speed as its tuning guide says (session
// pool and caches on, logs, UI, plugins and records off), with the same upstream behind it.
import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createSigner } from 'fast-jwt';

const secret = 'a-secret-of-at-least-32-characters!!';
const admin = 'admin@example.com';
const START_DEADLINE_MS = 120_000;
const PORT = 4545;

const settings = {
  JWT_SECRET_KEY: secret,
  AUTH_ENCRYPTION_SECRET: `another-${secret}`,
  PLATFORM_ADMIN_EMAIL: admin,
  PLATFORM_ADMIN_PASSWORD: 'Changeme-123456',
  LOG_LEVEL: 'ERROR',
  DISABLE_ACCESS_LOG: 'true',
  CACHE_TYPE: 'memory',
  MCP_SESSION_POOL_ENABLED: 'true',
  RATE_LIMITING_ENABLED: 'false',
  SSRF_ALLOW_LOCALHOST: 'true',
  SSRF_ALLOW_PRIVATE_NETWORKS: 'true',
  MCPGATEWAY_UI_ENABLED: 'false',
  MCPGATEWAY_ADMIN_API_ENABLED: 'false',
  MCPGATEWAY_A2A_ENABLED: 'false',
  MCPGATEWAY_CATALOG_ENABLED: 'false',
  LLMCHAT_ENABLED: 'false',
  PLUGINS_ENABLED: 'false',
  OBSERVABILITY_ENABLED: 'false',
  DB_METRICS_RECORDING_ENABLED: 'false',
};

/** @param python a virtual environment with `mcp-contextforge-gateway`; `folder` takes its database */
export async function startContextForge(python: string, folder: string, upstreamUrl: string) {
  const url = `http://127.0.0.1:${PORT}`;
  const child = spawn(join(python, 'bin', 'mcpgateway'), ['--host', '127.0.0.1', '--port', String(PORT)], {
    cwd: folder,
    env: { ...process.env, ...settings, DATABASE_URL: `sqlite:///${join(folder, 'contextforge.db')}` },
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  const stop = async () => {
    child.kill();
    await ended;
  };
  try {
    await answersHealth(url, () => child.exitCode !== null);
    // As its own `create_jwt_token --admin` makes it.
    const sign = createSigner({
      key: secret,
      aud: 'mcpgateway-api',
      iss: 'mcpgateway',
      jti: randomUUID(),
      expiresIn: 3_600_000,
    });
    const token = sign({
      username: admin,
      sub: admin,
      user: { email: admin, is_admin: true, auth_provider: 'local' },
      teams: null,
    });
    const headers = { authorization: `Bearer ${token}` };
    const rest = async (method: string, path: string, body?: object): Promise<unknown> => {
      const answer = await fetch(`${url}${path}`, {
        method,
        headers: { ...headers, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`ContextForge answered ${method} ${path} with ${answer.status}: ${text}`);
      return JSON.parse(text);
    };
    const { stdout } = await promisify(execFile)(join(python, 'bin', 'python'), [
      '-c',
      "import importlib.metadata as m; print(m.version('mcp-contextforge-gateway'))",
    ]);
    await rest('POST', '/gateways', { name: 'echo', url: upstreamUrl, transport: 'STREAMABLEHTTP' });
    const tools = (await rest('GET', '/tools?limit=100')) as { id: string }[];
    const server = await rest('POST', '/servers', {
      server: { name: 'bench', associated_tools: tools.map(({ id }) => id) },
    });
    return {
      url,
      path: `/servers/${(server as { id: string }).id}/mcp`,
      headers,
      pid: child.pid ?? 0,
      version: stdout.trim(),
      expected: '{"jsonrpc":"2.0","id":{id},"result":{"content":[{"type":"text","text":"text {id}"}],"isError":false}}',
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function answersHealth(url: string, hasEnded: () => boolean): Promise<void> {
  const deadline = performance.now() + START_DEADLINE_MS;
  for (;;) {
    const isUp = await fetch(`${url}/health`).then(
      (answer) => answer.ok,
      () => false, // not yet: asked again until the deadline
    );
    if (isUp) return;
    if (hasEnded() || performance.now() > deadline) throw new Error('ContextForge did not start');
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
