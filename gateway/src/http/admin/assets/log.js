// Adds new lines of the log, every other second, and keeps to the end while the reader is there.
const EVERY_MS = 2000;
const LINES_MAX = 1000;
const list = document.getElementById('log-lines');
const isPaused = document.getElementById('log-paused');
const filter = document.getElementById('log-filter');
let last = Number(list.dataset.last);

const isShown = (text) => text.toLowerCase().includes(filter.value.toLowerCase());

function add({ seq, text }) {
  if (seq <= last) return;
  last = seq;
  const line = document.createElement('li');
  line.textContent = text.trimEnd();
  line.hidden = !isShown(line.textContent);
  list.append(line);
}

function toEnd() {
  list.scrollTop = list.scrollHeight;
}

async function poll() {
  try {
    if (!isPaused.checked) {
      const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
      const answer = await fetch(`/admin/log/lines?after=${last}`, { headers: { accept: 'application/json' } });
      if (answer.ok) for (const line of (await answer.json()).lines) add(line);
      while (list.children.length > LINES_MAX) list.firstElementChild.remove();
      if (isAtEnd) toEnd();
    }
  } catch {
    // The gateway is away: the next turn asks again.
  }
  setTimeout(poll, EVERY_MS);
}

filter.addEventListener('input', () => {
  for (const line of list.children) line.hidden = !isShown(line.textContent);
});
toEnd();
setTimeout(poll, EVERY_MS);
