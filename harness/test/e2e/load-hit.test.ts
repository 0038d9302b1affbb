// `hit` as a user runs it, from the build.
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { repository } from '../../src/paths.ts';

let server: Server;
let url = '';
let folder = '';
const bodies: string[] = [];
let connections = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gatebench-hit-'));
  server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      bodies.push(`${request.method} ${request.headers['content-type']} ${request.headers['k']} ${body}`);
      response.writeHead(request.url === '/broken' ? 503 : 201).end(`for ${request.headers.authorization}`);
    });
  }).on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

function hit(...parameters: string[]): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const bin = join(repository, 'harness/bin/harness.js');
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [bin, 'hit', ...parameters], { cwd: folder }, (_error, stdout, stderr) => {
      resolve({ exitCode: child.exitCode ?? -1, stdout, stderr });
    });
  });
}

describe('hit', () => {
  test('sends what it is told as often as it is told, and logs what it prints', async () => {
    const file = join(folder, 'body.json');
    writeFileSync(file, '{"a":"ü"}');
    bodies.length = 0;
    connections = 0;
    const run = await hit(
      '-n',
      '100',
      '-c',
      '5',
      '-X',
      'POST',
      '-T',
      'application/json',
      '-H',
      'K: V',
      '-d',
      file,
      '-u',
      url,
    );
    expect(run).toMatchObject({ exitCode: 0 });
    expect(run.stdout).toMatch(/sent +100 \(100 answered with 2xx, 0 failed\)/);
    expect(run.stdout).toContain('[201] 100');
    expect(new Set(bodies)).toEqual(new Set(['POST application/json V {"a":"ü"}']));
    expect(bodies).toHaveLength(100);
    // One more: the look whether the target is up.
    expect(connections).toBe(6);
    const logs = readdirSync(folder).filter((name) => /^hit-\d{8}_\d{6}\.log$/.test(name));
    expect(readFileSync(join(folder, logs[0] ?? ''), 'utf8')).toBe(run.stdout);
  });

  test('ends with 1 when some answers are no 2xx, and prints no token', async () => {
    const run = await hit(
      '-n',
      '10',
      '-c',
      '2',
      '-m',
      'GET',
      '-H',
      'Authorization: Bearer very-secret',
      `${url}/broken`,
    );
    expect(run.exitCode).toBe(1);
    expect(run.stdout).toContain('[10] status: 503');
    expect(run.stdout).not.toContain('very-secret');
  });

  test('a rate for a duration is an open loop', async () => {
    const run = await hit('-z', '1s', '-q', '50', '-u', url);
    expect(run.exitCode).toBe(0);
    expect(run.stdout).toMatch(/sent +50 \(50/);
    expect(run.stdout).toContain('from when each request was due');
  });

  test('a dry run sends nothing', async () => {
    bodies.length = 0;
    const run = await hit('--dry-run', '-n', '100', '-u', url);
    expect(run.exitCode).toBe(0);
    expect(run.stdout).toContain('100 requests on 50 connections');
    expect(bodies).toEqual([]);
  });

  test('a target that is down is exit code 3, without a stack trace', async () => {
    const run = await hit('-n', '10', '-c', '2', 'http://127.0.0.1:1/');
    expect(run.exitCode).toBe(3);
    expect(run.stderr).toContain('TARGET_DOWN');
    expect(run.stderr).not.toMatch(/^ +at /m);
  });

  test.each([
    ['no URL', []],
    ['an unknown option', ['--loud', '-u', 'http://127.0.0.1:1/']],
    ['a count that is none', ['-n', 'many', '-u', 'http://127.0.0.1:1/']],
    ['a duration that is none', ['-z', 'long', '-u', 'http://127.0.0.1:1/']],
    ['two different methods', ['-X', 'GET', '-m', 'POST', '-u', 'http://127.0.0.1:1/']],
    ['a body file that is not there', ['-d', 'nowhere.json', '-u', 'http://127.0.0.1:1/']],
  ])('%s is bad usage, exit code 2', async (_title, parameters) => {
    const run = await hit(...parameters);
    expect(run.exitCode).toBe(2);
    expect(run.stderr).not.toMatch(/^ +at /m);
  });
});
