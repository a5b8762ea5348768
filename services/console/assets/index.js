// The library: a list from REST, kept up to date by server-sent events.
import { bytes, duration, isRunning, stateText } from '/assets/format.js';

const list = document.getElementById('videos');
const empty = document.getElementById('empty');
const more = document.getElementById('more');
const live = document.getElementById('live');
const query = document.getElementById('query');
const state = document.getElementById('state');
const pageSize = 50;
let rows = new Map();   // video_id -> li
let nextPage = '';
let request = 0;

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function render(video) {
  const item = element('li');
  item.dataset.id = video.video_id;
  item.dataset.version = video.version;
  const href = `/watch/${video.video_id}`;
  const thumb = element('a', 'thumb');
  thumb.href = href;
  thumb.tabIndex = -1;
  thumb.setAttribute('aria-hidden', 'true');
  if (video.poster_url) {
    const image = element('img');
    image.src = video.poster_url;
    image.alt = '';
    image.loading = 'lazy';
    image.addEventListener('error', () => image.remove());
    thumb.append(image);
  }
  const title = element('a', 'title', video.title || video.filename || video.video_id);
  title.href = href;
  const badge = element('span', 'badge', stateText[video.state] ?? video.state);
  badge.dataset.state = video.state;
  const meta = element('div', 'meta small soft');
  if (isRunning(video)) {
    const bar = element('progress');
    bar.max = 100;
    bar.value = video.progress_percent;
    bar.setAttribute('aria-label', 'Progress');
    meta.append(bar, element('span', '', `${video.progress_percent} %`));
  } else if (video.state === 'FAILED') {
    meta.append(element('span', 'fail', video.failure || 'Processing failed.'));
  } else {
    const facts = [duration(video.duration_seconds), bytes(video.source_bytes), new Date(video.created_at).toLocaleString()];
    meta.append(element('span', '', facts.filter(Boolean).join(' · ')));
  }
  item.append(thumb, title, badge, meta);
  return item;
}

const matches = (video) =>
  (!state.value || video.state === state.value) &&
  (!query.value || `${video.title}\n${video.filename}`.toLowerCase().includes(query.value.toLowerCase()));

function show(video) {
  const old = rows.get(video.video_id);
  if (old && Number(old.dataset.version) > video.version) return;
  if (!matches(video)) return remove(video.video_id);
  const item = render(video);
  if (old) {
    old.replaceWith(item);
  } else {
    // Newest first; ids grow with time.
    const after = [...list.children].find((row) => row.dataset.id < video.video_id);
    if (!after && nextPage) return;   // belongs to a page not shown yet
    list.insertBefore(item, after ?? null);
  }
  rows.set(video.video_id, item);
  note();
}

function remove(id) {
  rows.get(id)?.remove();
  rows.delete(id);
  note();
}

function note(text) {
  empty.hidden = rows.size > 0;
  empty.textContent = text ?? (query.value || state.value ? 'No video matches.' : 'No videos yet.');
}

async function load(page) {
  const mine = ++request;
  const parameters = new URLSearchParams({ page_size: pageSize });
  if (page) parameters.set('page_token', page);
  if (query.value) parameters.set('query', query.value);
  if (state.value) parameters.set('state', state.value);
  try {
    const response = await fetch(`/v1/videos?${parameters}`);
    const body = await response.json();
    if (mine !== request) return;
    if (!response.ok) throw new Error(body.error?.message ?? `HTTP ${response.status}`);
    if (!page) {
      list.replaceChildren();
      rows = new Map();
    }
    nextPage = body.next_page_token;
    for (const video of body.videos) {
      const item = render(video);
      rows.get(video.video_id)?.remove();
      list.append(item);
      rows.set(video.video_id, item);
    }
    more.hidden = !nextPage;
    note();
  } catch (error) {
    if (mine !== request) return;
    note(`The list could not be loaded: ${error.message}`);
  }
}

function follow() {
  const events = new EventSource('/v1/events');
  let opened = false;
  events.onopen = () => {
    live.textContent = 'live';
    if (opened) load('');   // what happened while the stream was down
    opened = true;
  };
  events.onmessage = (message) => show(JSON.parse(message.data));
  events.addEventListener('deleted', (message) => remove(JSON.parse(message.data).video_id));
  events.onerror = () => {
    live.textContent = 'reconnecting…';
    if (events.readyState === EventSource.CLOSED) setTimeout(follow, 3000);
  };
}

let typing;
query.addEventListener('input', () => {
  clearTimeout(typing);
  typing = setTimeout(() => load(''), 250);
});
state.addEventListener('change', () => load(''));
document.getElementById('tools').addEventListener('submit', (event) => event.preventDefault());
more.addEventListener('click', () => load(nextPage));
load('');
follow();
