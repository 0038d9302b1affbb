// The pages as Handlebars templates, compiled once at the start. Everything that is put into them is escaped; the one exception
// is the finished body of a page, which goes into the layout.
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type Handlebars from 'handlebars';
import { packageFolder } from '../../version.ts';

/** Templates and assets are not compiled: they lie in the sources also when the build runs. */
export const adminFolder = join(packageFolder, 'src', 'http', 'admin');

export type Render = (name: string, view: object) => Promise<string>;

type Templates = Map<string, Handlebars.TemplateDelegate>;

/** @param isReread TEMPLATES_AUTO_RELOAD: each page is made of the files as they are now */
export async function createRender(isReread: boolean, folder = join(adminFolder, 'templates')): Promise<Render> {
  let templates = await compileAll(folder);
  return async function render(name, view) {
    if (isReread) templates = await compileAll(folder);
    const template = templates.get(name);
    if (template === undefined) throw new Error(`there is no template ${name}`);
    return template(view);
  };
}

async function compileAll(folder: string): Promise<Templates> {
  // Loaded only by who shows pages.
  const { default: handlebars } = await import('handlebars');
  const own = handlebars.create();
  own.registerHelper('number', (value: unknown) => (typeof value === 'number' ? value.toLocaleString('en') : ''));
  const files = (await readdir(folder)).filter((file) => file.endsWith('.hbs'));
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  const templates: Templates = new Map();
  for (const [at, file] of files.entries()) {
    // `strict` would refuse the views' optional members.
    templates.set(basename(file, '.hbs'), own.compile(texts[at] ?? ''));
  }
  return templates;
}
