// What tests ask inside the page. Texts, so that the DOM's types stay out of the types of everything else.

export const openFolds = `for (const fold of document.querySelectorAll('details')) fold.open = true`;

/** string[]: canvases that hold no more than a few colours. */
export const blankCanvases = `[...document.querySelectorAll('canvas')].flatMap((canvas) => {
  const { width, height } = canvas;
  const pixels = canvas.getContext('2d').getImageData(0, 0, width, height).data;
  const colors = new Set();
  for (let at = 0; at < pixels.length; at += 4) {
    if (pixels[at + 3] > 200) colors.add((pixels[at] << 16) | (pixels[at + 1] << 8) | pixels[at + 2]);
  }
  return colors.size > 4 && width > 100 && height > 50 ? [] : [canvas.id + ': ' + width + '×' + height + ', ' + colors.size + ' colours'];
})`;

/** string[]: where each panel's plot begins and ends, in pixels and on its axis. */
export const timeAxes = `[...document.querySelectorAll('.timeline canvas')].map((canvas) => {
  const { chartArea, scales } = window.Chart.getChart(canvas);
  return [Math.round(chartArea.left), Math.round(chartArea.right), scales.x.min, scales.x.max].join(' ');
})`;

/** string[]: violations, after axe-core was put into the page. */
export const axeViolations = `window.axe.run().then(({ violations }) =>
  violations.map(({ id, nodes }) => id + ': ' + nodes.length + ' × ' + nodes[0].html.slice(0, 160)))`;

/** { page: width in pixels, tables: how many scroll in their own container } */
export const widths = `({
  page: document.documentElement.scrollWidth,
  tables: [...document.querySelectorAll('.scroll')].filter((each) => each.scrollWidth > each.clientWidth).length,
})`;

export const printed = `({
  background: getComputedStyle(document.body).backgroundColor,
  ink: getComputedStyle(document.body).color,
  navigation: getComputedStyle(document.querySelector('.toc')).display,
  folded: [...document.querySelectorAll('details')].filter((fold) => !fold.open).length,
  clipped: [...document.querySelectorAll('.scroll')].filter((each) => getComputedStyle(each).overflowX !== 'visible').length,
})`;
