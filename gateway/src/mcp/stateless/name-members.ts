/** Whose name the header `Mcp-Name` repeats, and where in `params` it stands. */
export const nameMembers: ReadonlyMap<string, string> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
]);
