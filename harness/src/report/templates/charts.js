// Draws what the page already says in its tables. Runs in the reader's browser; without it the page is complete.
(() => {
  const { Chart } = window;
  const specs = JSON.parse(document.getElementById('chart-data').textContent);
  const root = document.documentElement;
  const printing = window.matchMedia('print');
  const narrow = () => window.innerWidth < 600;
  let charts = [];
  let cursor = null;

  const color = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const palette = () => ['--c1', '--c2', '--c3', '--c4', '--c5', '--c6', '--c7'].map(color);
  // Lines are told apart without colour too.
  const dashes = [[], [6, 3], [2, 2], [8, 3, 2, 3], [12, 4], [4, 6], [1, 3]];

  function format(value) {
    const whole = Math.max(0, Math.floor(Math.log10(Math.max(Math.abs(value), 1e-9))));
    return value.toLocaleString('en-US', { maximumFractionDigits: Math.max(0, 2 - whole) });
  }

  function clock(seconds) {
    const whole = Math.floor(seconds);
    return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
  }

  function axis(unit) {
    return {
      grid: { color: color('--grid'), drawTicks: false },
      border: { display: false },
      ticks: { color: color('--muted'), padding: 6, maxTicksLimit: 6 },
      title: { display: Boolean(unit), text: unit, color: color('--muted') },
    };
  }

  function common(unit, lines) {
    return {
      responsive: true,
      maintainAspectRatio: false,
      animation: false,
      plugins: {
        legend: {
          align: 'start',
          labels: {
            color: color('--ink'),
            boxWidth: lines ? 22 : 14,
            boxHeight: 8,
            padding: 10,
            usePointStyle: lines,
            pointStyle: 'line',
            pointStyleWidth: 22,
          },
        },
        tooltip: {
          callbacks: {
            label: (item) => {
              const { x, y } = item.parsed;
              const value = item.chart.options.indexAxis === 'y' ? x : y;
              return ` ${item.dataset.label}: ${format(value)} ${unit}`;
            },
          },
        },
      },
    };
  }

  function drawBars(id, spec) {
    const colors = palette();
    const width = narrow() ? 14 : 34;
    // Long names break into lines, so that the bars keep their room.
    const labels = spec.labels.map((label) => wrap(label, width));
    return new Chart(document.getElementById(id), {
      type: 'bar',
      data: {
        labels,
        datasets: spec.series.map((series, place) => ({
          label: series.name,
          data: series.values,
          backgroundColor: colors[place],
          borderRadius: 2,
          maxBarThickness: 16,
          categoryPercentage: 0.78,
          barPercentage: 0.92,
        })),
      },
      options: {
        ...common(spec.unit, false),
        indexAxis: 'y',
        scales: {
          x: { ...axis(spec.unit), beginAtZero: true, stacked: spec.stacked },
          y: {
            ...axis(''),
            stacked: spec.stacked,
            grid: { display: false },
            ticks: { color: color('--ink'), padding: 6, autoSkip: false },
          },
        },
      },
    });
  }

  function wrap(text, width) {
    const lines = [''];
    for (const word of text.split(' ')) {
      const line = lines[lines.length - 1];
      if (line !== '' && line.length + word.length + 1 > width) lines.push(word);
      else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
    }
    return lines;
  }

  const nines = [
    [0, 'p0'],
    [-Math.log10(0.5), 'p50'],
    [1, 'p90'],
    [-Math.log10(0.05), 'p95'],
    [2, 'p99'],
    [3, 'p99.9'],
    [4, 'p99.99'],
  ];

  function drawCurves(id, spec) {
    const colors = palette();
    const end = Math.max(...spec.series.flatMap(({ points }) => points.map(([x]) => x)));
    return new Chart(document.getElementById(id), {
      type: 'line',
      data: {
        datasets: spec.series.map((series, place) => ({
          label: series.name,
          data: series.points.map(([x, y]) => ({ x, y })),
          borderColor: colors[place % colors.length],
          backgroundColor: colors[place % colors.length],
          borderDash: dashes[Math.floor(place / colors.length) % dashes.length],
          borderWidth: 1.75,
          pointRadius: 0,
          pointHitRadius: 8,
        })),
      },
      options: {
        ...common(spec.unit, true),
        interaction: { mode: 'nearest', intersect: false },
        plugins: {
          ...common(spec.unit, true).plugins,
          tooltip: {
            callbacks: {
              title: ([item]) => `p${format(100 * (1 - 10 ** -item.parsed.x))}`,
              label: (item) => ` ${item.dataset.label}: ${format(item.parsed.y)} ${spec.unit}`,
            },
          },
        },
        scales: {
          x: {
            ...axis('percentile, the tail stretched'),
            type: 'linear',
            min: 0,
            max: end,
            afterBuildTicks: (scale) => {
              scale.ticks = nines.filter(([value]) => value <= end).map(([value]) => ({ value }));
            },
            ticks: {
              color: color('--muted'),
              autoSkip: false,
              callback: (value) => nines.find(([place]) => Math.abs(place - value) < 1e-6)?.[1] ?? '',
            },
          },
          y: {
            ...axis(spec.unit),
            type: 'logarithmic',
            ticks: { color: color('--muted'), padding: 6, maxTicksLimit: 6, callback: (value) => format(value) },
          },
        },
      },
    });
  }

  // Trials as bands behind the lines; the widest carry their names in the first panel.
  const bands = {
    id: 'bands',
    beforeDatasetsDraw(chart, _args, options) {
      if (!options.phases) return;
      const { ctx, chartArea, scales } = chart;
      ctx.save();
      const [open, closed] = [color('--band-open'), color('--band-closed')];
      for (const phase of options.phases) {
        const from = scales.x.getPixelForValue(phase.start);
        const to = scales.x.getPixelForValue(phase.end);
        ctx.fillStyle = phase.loop === 'open' ? open : closed;
        ctx.fillRect(from, chartArea.top, Math.max(1, to - from), chartArea.bottom - chartArea.top);
        if (options.named && to - from > 12) {
          ctx.save();
          ctx.font = '10px sans-serif';
          ctx.fillStyle = color('--muted');
          ctx.translate(from + 2, chartArea.top + 2);
          ctx.rotate(Math.PI / 2);
          ctx.textBaseline = 'bottom';
          ctx.fillText(shorten(ctx, phase.label, chartArea.bottom - chartArea.top - 6), 0, 0);
          ctx.restore();
        }
      }
      ctx.restore();
    },
    afterDatasetsDraw(chart, _args, options) {
      if (!options.phases || cursor === null) return;
      const { ctx, chartArea, scales } = chart;
      const x = scales.x.getPixelForValue(cursor);
      ctx.save();
      ctx.strokeStyle = color('--muted');
      ctx.setLineDash([3, 3]);
      ctx.beginPath();
      ctx.moveTo(x, chartArea.top);
      ctx.lineTo(x, chartArea.bottom);
      ctx.stroke();
      ctx.restore();
    },
    afterEvent(chart, { event, inChartArea }, options) {
      if (!options.phases) return;
      const next = inChartArea && event.type === 'mousemove' ? chart.scales.x.getValueForPixel(event.x) : null;
      if (next === cursor) return;
      cursor = next;
      for (const other of charts) if (other.options.plugins.bands?.phases) other.draw();
    },
  };

  function shorten(ctx, text, room) {
    if (ctx.measureText(text).width <= room) return text;
    let kept = text;
    while (kept.length > 1 && ctx.measureText(`${kept}…`).width > room) kept = kept.slice(0, -1);
    return `${kept}…`;
  }

  // A trial of one second is one point: without a dot it would not be seen.
  function isolated({ dataset, dataIndex }) {
    const at = (index) => dataset.data[index]?.y ?? null;
    return at(dataIndex) !== null && at(dataIndex - 1) === null && at(dataIndex + 1) === null ? 2 : 0;
  }

  function drawTimeline(spec) {
    const colors = palette();
    const left = narrow() ? 44 : 58;
    return spec.panels.map((panel, place) => {
      const last = place === spec.panels.length - 1;
      const options = common(panel.unit, true);
      return new Chart(document.getElementById(panel.id), {
        type: 'line',
        data: {
          datasets: panel.series.map((series, index) => ({
            label: series.name,
            data: series.points.map(([x, y]) => ({ x, y })),
            borderColor: colors[index % colors.length],
            backgroundColor: colors[index % colors.length],
            borderDash: dashes[index % dashes.length],
            borderWidth: 1.4,
            pointRadius: isolated,
            pointHitRadius: 6,
            spanGaps: false,
          })),
        },
        options: {
          ...options,
          layout: { padding: { right: 8 } },
          parsing: false,
          normalized: true,
          interaction: { mode: 'nearest', axis: 'x', intersect: false },
          plugins: {
            ...options.plugins,
            bands: { phases: spec.phases, named: place === 0 },
            tooltip: {
              callbacks: {
                title: ([item]) => {
                  const at = item.parsed.x;
                  const phase = spec.phases.find(({ start, end }) => start <= at && at <= end);
                  return `${clock(at)}  ${phase ? phase.label : 'between trials'}`;
                },
                label: (item) => ` ${item.dataset.label}: ${format(item.parsed.y)} ${panel.unit}`,
              },
            },
          },
          scales: {
            x: {
              ...axis(''),
              type: 'linear',
              min: 0,
              max: spec.endSeconds,
              // The last panel alone has labels: their width must not move its plot.
              afterFit: (scale) => {
                scale.paddingLeft = 0;
                scale.paddingRight = 0;
              },
              grid: { color: color('--grid'), drawTicks: false },
              ticks: {
                display: last,
                color: color('--muted'),
                maxTicksLimit: narrow() ? 5 : 12,
                maxRotation: 0,
                align: 'inner',
                includeBounds: false,
                callback: (value) => clock(value),
              },
            },
            y: {
              ...axis(''),
              beginAtZero: true,
              ticks: { color: color('--muted'), padding: 6, maxTicksLimit: 5, callback: (value) => format(value) },
              // The panels share one time axis: their plots begin at the same place.
              afterFit: (scale) => {
                scale.width = left;
              },
            },
          },
        },
        plugins: [bands],
      });
    });
  }

  function draw() {
    for (const chart of charts) chart.destroy();
    Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    Chart.defaults.font.size = 11;
    charts = Object.entries(specs).flatMap(([id, spec]) => {
      if (spec.type === 'bars') return [drawBars(id, spec)];
      if (spec.type === 'curves') return [drawCurves(id, spec)];
      return drawTimeline(spec);
    });
  }

  function markCurrentSection() {
    const links = new Map([...document.querySelectorAll('.toc a')].map((link) => [link.hash.slice(1), link]));
    const observer = new IntersectionObserver(
      (entries) => {
        for (const entry of entries) {
          if (!entry.isIntersecting) continue;
          for (const link of links.values()) link.removeAttribute('aria-current');
          links.get(entry.target.id)?.setAttribute('aria-current', 'true');
        }
      },
      { rootMargin: '0px 0px -75% 0px' },
    );
    for (const section of document.querySelectorAll('main > section')) observer.observe(section);
  }

  function unfold() {
    for (const fold of document.querySelectorAll('details')) fold.open = true;
  }

  root.classList.add('drawn');
  draw();
  markCurrentSection();
  window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
  printing.addEventListener('change', () => {
    if (printing.matches) unfold();
    draw();
  });
  window.addEventListener('beforeprint', unfold);
})();
