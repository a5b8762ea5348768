// The player page: state and progress by server-sent events; plays as soon as the video can be played.
import { attach } from '/assets/player.js';
import { duration, isRunning, stateText } from '/assets/format.js';

const id = decodeURIComponent(location.pathname.replace(/^\/watch\//, '').replace(/\/$/, ''));
const byId = (name) => document.getElementById(name);
const video = byId('video');
let player = null;
let shown = null;

function note(strong, text) {
  const box = byId('note');
  box.hidden = strong === '';
  if (strong === '') return;
  const head = document.createElement('strong');
  head.textContent = strong;
  const line = document.createElement('span');
  line.textContent = text ?? '';
  box.replaceChildren(head, line);
}

function renditionRow(rendition) {
  const row = document.createElement('div');
  row.className = 'row';
  const name = document.createElement('span');
  name.textContent = rendition.name.startsWith('audio') ? 'Sound' : rendition.name;
  const bar = document.createElement('progress');
  bar.max = 100;
  bar.value = rendition.state === 'DONE' ? 100 : rendition.progress_percent;
  bar.className = { DONE: 'done', FAILED: 'failed' }[rendition.state] ?? '';
  bar.setAttribute('aria-label', `Progress of ${rendition.name}`);
  const percent = document.createElement('span');
  percent.className = 'percent small';
  percent.textContent = `${bar.value} %`;
  const badge = document.createElement('span');
  badge.className = 'badge';
  badge.dataset.state = rendition.state;
  badge.textContent = stateText[rendition.state] ?? rendition.state;
  row.append(name, bar, percent, badge);
  if (rendition.failure) {
    const why = document.createElement('span');
    why.className = 'why small';
    why.textContent = rendition.failure;
    row.append(why);
  }
  return row;
}

function describe(item) {
  document.title = `${item.title} · Vora`;
  byId('title').textContent = item.title;
  byId('state').hidden = false;
  byId('state').dataset.state = item.state;
  byId('state').textContent = stateText[item.state] ?? item.state;
  const facts = [duration(item.duration_seconds)];
  if (isRunning(item)) facts.push(`${item.progress_percent} %`);
  byId('facts').textContent = facts.filter(Boolean).join(' · ');
  byId('description').hidden = !item.description;
  byId('description').textContent = item.description;
  const busy = isRunning(item) || item.renditions.some((rendition) => rendition.state === 'FAILED');
  byId('progress').hidden = !busy || item.renditions.length === 0;
  byId('tracks').replaceChildren(...item.renditions.map(renditionRow));
  if (item.poster_url && !video.poster) video.poster = item.poster_url;
}

function play(item) {
  if (item.playable && item.hls_url) {
    if (!player) {
      note('');
      player = attach(video, item.hls_url, { select: byId('quality'), label: byId('quality-label'), onFatal: failed });
    }
    // Renditions that became playable since are in the master playlist now.
    const playable = item.renditions.filter((rendition) => rendition.height > 0 && rendition.segments_done > 0).length;
    player.update({ renditions: playable, final: item.state === 'READY' });
    return;
  }
  if (item.state === 'FAILED') return note('This video could not be processed', item.failure || 'No reason was given.');
  if (item.state === 'CANCELLED') return note('Processing was cancelled', 'It can be started again with: vora retry ' + id);
  const waiting = item.state === 'CREATED' ? 'Waiting to be processed' : `Processing, ${item.progress_percent} %`;
  note(waiting, 'It plays here as soon as the first seconds are ready.');
}

function failed(reason) {
  player = null;
  note('The video cannot be played right now', reason);
  // The next change tries again; without one, look again after a while.
  setTimeout(() => !player && shown && play(shown), 5000);
}

function show(item) {
  if (shown && shown.version > item.version) return;
  shown = item;
  describe(item);
  play(item);
}

async function begin() {
  let response;
  try {
    response = await fetch(`/v1/videos/${encodeURIComponent(id)}`);
  } catch {
    note('Vora cannot be reached', 'Trying again…');
    setTimeout(begin, 3000);
    return;
  }
  if (response.status === 404) {
    note('There is no such video', 'The link may be wrong, or the video was deleted.');
    byId('title').textContent = 'Not found';
    document.title = 'Not found · Vora';
    return;
  }
  if (!response.ok) {
    note('Vora is not available right now', 'Trying again…');
    setTimeout(begin, 3000);
    return;
  }
  show(await response.json());
  follow();
}

function follow() {
  const events = new EventSource(`/v1/videos/${encodeURIComponent(id)}/events`);
  events.onopen = () => { byId('live').textContent = ''; };
  events.onmessage = (message) => show(JSON.parse(message.data));
  events.addEventListener('deleted', () => {
    events.close();
    player?.destroy();
    player = null;
    note('This video was deleted', '');
  });
  events.onerror = () => {
    byId('live').textContent = 'reconnecting…';
    if (events.readyState === EventSource.CLOSED) setTimeout(begin, 3000);
  };
}

begin();
