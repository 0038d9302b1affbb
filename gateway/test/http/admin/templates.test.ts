import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createRender } from '../../../src/http/admin/templates.ts';

test('templates are read once, or for each page with TEMPLATES_AUTO_RELOAD', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gatebench-templates-'));
  try {
    const write = (text: string) => writeFile(join(folder, 'page.hbs'), text);
    await write('old {{name}}');
    const [once, anew] = [await createRender(false, folder), await createRender(true, folder)];
    await write('new {{name}}');
    expect(await once('page', { name: '<x>' })).toBe('old &lt;x&gt;');
    expect(await anew('page', { name: '<x>' })).toBe('new &lt;x&gt;');
    await expect(once('other', {})).rejects.toThrow('there is no template other');
  } finally {
    await rm(folder, { recursive: true });
  }
});
