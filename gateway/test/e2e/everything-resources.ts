// The resources that the conformance suite asks for.
import { png } from './everything-prompts.ts';

interface Resource {
  name: string;
  description: string;
  mimeType: string;
  read: { mimeType: string; text: string } | { mimeType: string; blob: string };
}

export const resources: Record<string, Resource> = {
  'test://static-text': {
    name: 'static text',
    description: 'text that does not change',
    mimeType: 'text/plain',
    read: { mimeType: 'text/plain', text: 'This is the content of the static text resource.' },
  },
  'test://static-binary': {
    name: 'static binary',
    description: 'an image',
    mimeType: 'image/png',
    read: { mimeType: 'image/png', blob: png },
  },
  'test://watched-resource': {
    name: 'watched',
    description: 'a resource to subscribe to',
    mimeType: 'text/plain',
    read: { mimeType: 'text/plain', text: 'watched' },
  },
};

export const resourceTemplates = [
  {
    uriTemplate: 'test://template/{id}/data',
    name: 'template',
    description: 'data by id',
    mimeType: 'application/json',
  },
];
