import { usePass } from '../api/playback';
import type { Video } from '../api/schema';
import { CopyField } from '../components/CopyField';
import { Label } from '../components/Label';
import { bytes, date, duration, span } from '../format';
import { Encodes } from './Encodes';
import { Renditions } from './Renditions';

const secondsBetween = (from: string, to: string | undefined) => (to ? (Date.parse(to) - Date.parse(from)) / 1000 : NaN);

export function Overview({ video, currentTime, encodes }: { video: Video; currentTime: number; encodes: number }) {
  const { captions } = video;
  const pass = usePass(video.video_id);
  return (
    <div class="overview">
      <div class="stack">
        <section class="card" aria-labelledby="renditions-heading">
          <h2 id="renditions-heading" class="card-title">Renditions</h2>
          <Renditions video={video} />
        </section>
        <Encodes video={video} asked={encodes} />
        {captions.length > 0 && (
          <section class="card" aria-labelledby="captions-heading">
            <h2 id="captions-heading" class="card-title">Captions</h2>
            <ul class="captions" data-testid="captions">
              {captions.map((caption) => (
                <li key={`${caption.language}${caption.name}`} class="row">
                  <span>{caption.name || caption.language}</span>
                  <span class="muted small">{caption.language}</span>
                  {caption.forced && <span class="muted small">forced</span>}
                  {caption.hearing_impaired && <span class="muted small">for the hard of hearing</span>}
                  <span class="grow" />
                  {caption.url && <a href={pass.sign(caption.url)} onClick={(event) => (event.currentTarget.href = pass.sign(caption.url))}>WebVTT</a>}
                </li>
              ))}
            </ul>
          </section>
        )}
        <Source video={video} />
      </div>
      <div class="stack">
        <Links video={video} currentTime={currentTime} tokens={pass.state !== 'open' && pass.ready} />
        <Download video={video} sign={pass.sign} />
      </div>
    </div>
  );
}

function Links({ video, currentTime, tokens }: { video: Video; currentTime: number; tokens: boolean }) {
  const watch = video.watch_url || `${location.origin}/watch/${video.video_id}`;
  const embed = new URL(`/embed/${video.video_id}`, watch).href;
  const at = Math.floor(currentTime);
  const code = `<iframe src="${embed}" width="640" height="360" style="border:0;aspect-ratio:16/9;width:100%;height:auto" allow="autoplay; fullscreen; picture-in-picture" allowfullscreen title="${video.title.replace(/&/g, '&amp;').replace(/"/g, '&quot;')}"></iframe>`;
  return (
    <section class="card padded stack" aria-labelledby="links-heading" data-testid="links">
      <h2 id="links-heading">Share</h2>
      <CopyField label="Watch page" value={watch} testid="watch-link" />
      {at >= 5 && <CopyField label={`Watch from ${duration(at)}`} value={`${watch}?t=${at}`} />}
      <CopyField label="Embed code" value={code} testid="embed-code" />
      {video.hls_url && <CopyField label="HLS" value={video.hls_url} testid="hls-link" />}
      {video.dash_url && <CopyField label="DASH" value={video.dash_url} testid="dash-link" />}
      {video.hls_url && tokens && (
        <p class="small muted" data-testid="token-note">
          Players elsewhere need a playback token with these addresses: <code>vora play-url</code>, or <code>POST /v1/videos/{'{id}'}/playback-tokens</code>.
        </p>
      )}
      {!video.hls_url && <p class="small muted">Addresses of the streams appear as soon as the video can be played.</p>}
    </section>
  );
}

// The file of a ladder that makes one.
function Download({ video, sign }: { video: Video; sign(url: string): string }) {
  const url = video.parts.find(({ name }) => name === 'mp4')?.url;
  if (!url) return null;
  return (
    <section class="card padded stack" aria-labelledby="download-heading">
      <h2 id="download-heading">Download</h2>
      <p class="small muted">One file of the largest rendition with its sound.</p>
      <div>
        <a class="button secondary" href={sign(url)} download={`${video.title || video.video_id}.mp4`} data-testid="download-mp4" onClick={(event) => (event.currentTarget.href = sign(url))}>
          Download mp4
        </a>
      </div>
    </section>
  );
}

// What the file holds, and where it came from.
function factsOf({ source, import: origin }: Video): [string, string][] {
  const rows: [string, string][] = [];
  if (origin) rows.push(['From', origin.url || `${origin.source}: ${origin.key}`]);
  if (!source) return rows;
  rows.push(['Container', source.container]);
  if (source.video_codec) rows.push(['Picture', `${source.video_codec}, ${source.width} × ${source.height}, ${Number(source.frame_rate.toFixed(2))} per second, ${source.pixel_format}`]);
  const colour = [source.color_primaries, source.color_transfer, source.color_matrix, source.color_range].filter(Boolean).join(', ');
  if (colour) rows.push(['Colour', colour]);
  for (const audio of source.audio) rows.push(['Sound', [audio.codec, audio.language, `${audio.channels} ${audio.channels === 1 ? 'channel' : 'channels'}`, `${audio.sample_rate / 1000} kHz`].filter(Boolean).join(', ')]);
  if (source.subtitle_languages.length > 0) rows.push(['Subtitles', source.subtitle_languages.join(', ')]);
  return rows;
}

function Source({ video }: { video: Video }) {
  const playable = secondsBetween(video.created_at, video.first_playable_at);
  const ready = secondsBetween(video.created_at, video.ready_at);
  const labels = Object.entries(video.labels).map(([key, value]) => `${key}=${value}`);
  const rows: [string, string][] = [
    ['File', video.filename || '–'],
    ['Size', video.source_bytes > 0 ? bytes(video.source_bytes) : '–'],
    ['Duration', video.duration_seconds > 0 ? duration(video.duration_seconds) : '–'],
    ...factsOf(video),
    ['Created', date(video.created_at)],
  ];
  if (playable >= 0) rows.push(['Playable', `after ${span(playable)}`]);
  if (ready >= 0) rows.push(['Ready', `after ${span(ready)}`]);
  if (video.ladder) rows.push(['Ladder', video.ladder_version > 0 ? `${video.ladder}, version ${video.ladder_version}` : video.ladder]);
  if (video.external_id) rows.push(['External id', video.external_id]);
  if (video.revision > 1) rows.push(['Revision', String(video.revision)]);
  return (
    <section class="card padded stack" aria-labelledby="source-heading" data-testid="source">
      <h2 id="source-heading">Source</h2>
      <dl class="facts">
        {rows.map(([name, value]) => (
          <div key={name + value}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {labels.length > 0 && (
        <ul class="labels" aria-label="Labels" data-testid="labels">
          {labels.map((label) => (
            <li key={label}>
              <Label text={label} />
            </li>
          ))}
        </ul>
      )}
      <CopyField label="Video id" value={video.video_id} testid="video-id" />
      {video.upload_id && <CopyField label="Upload id" value={video.upload_id} />}
    </section>
  );
}
