// A table of plain text for terminals and logs.

/** Columns as wide as their widest cell, two spaces between, a rule below the head; no trailing spaces. */
export function layTable(head: string[], rows: string[][]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)));
  const lay = (cells: string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [lay(head), lay(widths.map((width) => '─'.repeat(width))), ...rows.map(lay)].join('\n');
}
