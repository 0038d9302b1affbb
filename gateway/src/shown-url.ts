/**
 * A URL for messages, traces, figures and readers who may not change it: its query often holds a key, its authority may hold a
 * password. Keys in the path are shown: nobody can tell them from names.
 */
export function shownUrl(text: string): string {
  // Templates of REST tools ({city}) are no URLs yet, and must come back as they are.
  return text.replace(/[?#].*$/s, '').replace(/^([a-z][a-z\d+.-]*:\/\/)[^/]*@/i, '$1');
}
