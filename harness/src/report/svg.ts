// Small inline drawings for table cells: they need no script and no style attribute, and contain numbers only.

const WIDTH = 96;
const HEIGHT = 14;

const at = (value: number) => value.toFixed(1);

/** How much of a limit is used: a bar up to the actual value and a line where the target is. Decoration: the cell says the figures. */
export function drawMargin(used: number, tone: 'good' | 'bad' | 'muted'): string {
  const scale = Math.max(1.25, Math.min(used, 3));
  const bar = (Math.min(used, scale) / scale) * WIDTH;
  const target = WIDTH / scale;
  return svg(
    `<rect class="track" x="0" y="4" width="${WIDTH}" height="6" rx="3"/>` +
      `<rect class="fill-${tone}" x="0" y="4" width="${at(Math.max(bar, 1))}" height="6" rx="3"/>` +
      `<line class="tick" x1="${at(target)}" x2="${at(target)}" y1="1" y2="13"/>`,
  );
}

/** The interval of a ratio around 1, on a logarithmic axis that is the same for a whole table; the band is the threshold. */
export function drawInterval(
  ratio: number,
  interval: readonly [number, number],
  thresholdPercent: number,
  reach: number,
  tone: 'good' | 'bad' | 'warn' | 'muted',
): string {
  const place = (value: number) => {
    const position = Math.log(Math.max(value, 1e-6)) / Math.log(reach);
    return ((Math.max(-1, Math.min(1, position)) + 1) / 2) * WIDTH;
  };
  const [low, high] = interval;
  const threshold = 1 + thresholdPercent / 100;
  const from = place(1 / threshold);
  const to = place(threshold);
  return svg(
    `<rect class="track" x="${at(from)}" y="2" width="${at(to - from)}" height="10"/>` +
      `<line class="axis" x1="${WIDTH / 2}" x2="${WIDTH / 2}" y1="0" y2="${HEIGHT}"/>` +
      `<line class="stroke-${tone}" x1="${at(place(low))}" x2="${at(Math.max(place(high), place(low) + 1))}" y1="7" y2="7"/>` +
      `<circle class="fill-${tone}" cx="${at(place(ratio))}" cy="7" r="3.5"/>`,
  );
}

function svg(content: string): string {
  return `<svg class="spark" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" aria-hidden="true" focusable="false">${content}</svg>`;
}
