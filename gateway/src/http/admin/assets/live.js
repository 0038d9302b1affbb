// Draws what /admin/stats says, every other second. The answer holds counts since the start: a point is the difference of two.
// Several workers may answer in turn: each is compared with its own answer before.
const POINTS = 90;
const EVERY_MS = 2000;
const before = new Map();
const status = document.getElementById('live-status');
const style = getComputedStyle(document.documentElement);
const color = (name) => style.getPropertyValue(name).trim();
Chart.defaults.color = color('--muted');
Chart.defaults.borderColor = color('--line');
Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;

const charts = ['requests', 'latency', 'loop', 'memory'].map((id) =>
  createChart(document.getElementById(`chart-${id}`)),
);

function createChart(canvas) {
  const names = canvas.dataset.series.split('|');
  return new Chart(canvas, {
    type: 'line',
    data: {
      labels: [],
      datasets: names.map((label, at) => ({
        label,
        data: [],
        borderColor: color(`--series-${at + 1}`),
        backgroundColor: color(`--series-${at + 1}`),
        borderWidth: 2,
        borderDash: at === 1 ? [6, 3] : [],
        pointRadius: ({ dataIndex, dataset }) =>
          dataset.data.length < 3 || dataIndex === dataset.data.length - 1 ? 3 : 0,
        tension: 0.2,
        spanGaps: true,
      })),
    },
    options: {
      animation: false,
      maintainAspectRatio: false,
      interaction: { mode: 'index', intersect: false },
      plugins: { legend: { display: names.length > 1, labels: { boxHeight: 2 } } },
      scales: {
        x: { ticks: { maxTicksLimit: 4, maxRotation: 0 }, grid: { display: false } },
        y: { beginAtZero: true, ticks: { maxTicksLimit: 5 } },
      },
    },
  });
}

/** The quantile within its bucket, as if the bucket's values were spread evenly. */
function quantileMs(share, buckets, bounds) {
  const total = buckets.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let left = share * total;
  for (const [at, count] of buckets.entries()) {
    if (count >= left && count > 0) {
      const low = at === 0 ? 0 : bounds[at - 1];
      const high = bounds[at] ?? low;
      return (low + (high - low) * (left / count)) * 1000;
    }
    left -= count;
  }
  return null;
}

function show(name, value) {
  for (const element of document.querySelectorAll(`[data-figure="${name}"]`)) element.textContent = value;
}

const rounded = (value, digits) => (value === null ? '–' : value.toFixed(digits));

function take(stats) {
  const last = before.get(stats.pid);
  before.set(stats.pid, stats);
  if (last === undefined) return;
  const seconds = (stats.atMs - last.atMs) / 1000;
  const http = stats.http && last.http;
  const rate = http ? (stats.http.count - last.http.count) / seconds : null;
  const buckets = http ? stats.http.buckets.map((count, at) => count - last.http.buckets[at]) : [];
  const p50 = http ? quantileMs(0.5, buckets, stats.http.boundsSeconds) : null;
  const p95 = http ? quantileMs(0.95, buckets, stats.http.boundsSeconds) : null;
  const points = [
    [rate],
    [p50, p95],
    [stats.eventLoop.p50Ms, stats.eventLoop.p99Ms],
    [stats.memory.rssBytes / 1e6, stats.memory.heapUsedBytes / 1e6],
  ];
  const label = new Date().toLocaleTimeString();
  for (const [at, chart] of charts.entries()) {
    chart.data.labels.push(label);
    for (const [of, set] of chart.data.datasets.entries()) set.data.push(points[at][of]);
    if (chart.data.labels.length > POINTS) {
      chart.data.labels.shift();
      for (const set of chart.data.datasets) set.data.shift();
    }
    chart.update();
  }
  show('rate', rounded(rate, 1));
  show('p50', rounded(p50, 2));
  show('p95', rounded(p95, 2));
  show('loop', rounded(stats.eventLoop.p99Ms, 1));
  show('rss', rounded(stats.memory.rssBytes / 1e6, 0));
  show('running', String(stats.running));
}

async function poll() {
  try {
    const answer = await fetch('/admin/stats', { headers: { accept: 'application/json' } });
    if (!answer.ok) throw new Error(`the gateway answered ${answer.status}`);
    take(await answer.json());
    if (status.textContent !== '') status.textContent = '';
  } catch (error) {
    status.textContent = `No figures: ${error.message}. Trying again.`;
  }
  setTimeout(poll, EVERY_MS);
}

poll();
