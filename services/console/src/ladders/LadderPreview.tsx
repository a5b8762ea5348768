import { useEffect, useId, useState } from 'preact/hooks';

import { get, isAbort, messageOf, send } from '../api/client';
import type { LadderPreview as Preview, PreviewLadder, PutLadder, Video, VideoPage } from '../api/schema';
import { bytes } from '../format';
import { bodyOf, samples, type Draft } from './ladders';

const settleMs = 300;
const shownVideos = 20;

// What a source would become by the ladder as it stands in the editor.
export function LadderPreview({ draft }: { draft: Draft }) {
  const [chosen, setChosen] = useState('0'); // the number of a sample, or the id of a video
  const [videos, setVideos] = useState<Video[]>([]);
  const [preview, setPreview] = useState<Preview | null>(null);
  const [problem, setProblem] = useState('');
  const id = useId();
  useEffect(() => {
    const probed = (page: VideoPage) => setVideos(page.videos.filter(({ source }) => source));
    get<VideoPage>('/v1/videos', { query: { page_size: shownVideos } }).then(probed, () => undefined);
  }, []);

  // As text, so that the same ladder is asked for once.
  const ladder = JSON.stringify(bodyOf({ ...draft, version: 0 }));
  useEffect(() => {
    const control = new AbortController();
    const timer = setTimeout(() => {
      const sample = samples[+chosen];
      const body: PreviewLadder = { ladder: JSON.parse(ladder) as PutLadder, ...(sample ? { source: sample.source } : { video_id: chosen }) };
      send<Preview>('POST', '/v1/ladders:preview', body, control.signal).then(
        (answer) => {
          setPreview(answer);
          setProblem('');
        },
        (error) => {
          if (isAbort(error)) return;
          setPreview(null);
          setProblem(messageOf(error).replace(/^ladder\./, ''));
        },
      );
    }, settleMs);
    return () => {
      clearTimeout(timer);
      control.abort();
    };
  }, [ladder, chosen]);

  const seconds = samples[+chosen] ? 600 : (videos.find(({ video_id }) => video_id === chosen)?.duration_seconds ?? 0);
  return (
    <section class="card padded stack" aria-labelledby={`${id}-heading`} data-testid="ladder-preview">
      <h2 id={`${id}-heading`}>What a video becomes</h2>
      <div class="field">
        <label for={id}>Of</label>
        <select id={id} value={chosen} data-testid="preview-source" onChange={(event) => setChosen(event.currentTarget.value)}>
          {samples.map(({ label }, index) => (
            <option key={label} value={index}>
              {label}
            </option>
          ))}
          {videos.map(({ video_id, title, source }) => (
            <option key={video_id} value={video_id}>
              {title} ({source!.width} × {source!.height})
            </option>
          ))}
        </select>
      </div>
      <div role="status" class="stack">
        {problem && <p class="bad-text" data-testid="preview-problem">{problem}</p>}
        {preview && (
          <>
            <div class="scroll-x" tabIndex={0} role="region" aria-label="Renditions">
              <table class="preview-table">
                <thead>
                  <tr>
                    <th scope="col">Rendition</th>
                    <th scope="col">Picture</th>
                    <th scope="col">Up to</th>
                    <th scope="col">At most</th>
                  </tr>
                </thead>
                <tbody>
                  {preview.tracks.map((track) => (
                    <tr key={track.name} data-testid={`preview-${track.name}`}>
                      <th scope="row">{track.name}</th>
                      <td>{track.kind === 'audio' ? 'sound' : `${track.width} × ${track.height}`}</td>
                      <td>{Math.round(track.max_bitrate / 1000).toLocaleString('en')} kbit/s</td>
                      <td>{bytes(track.max_bytes)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
            <p class="muted small">
              At most {bytes(preview.max_bytes)} for {Math.round(seconds / 60)} minutes; pictures that change little take much less.
              {preview.mp4_max_bytes > 0 && ` The mp4 file takes at most ${bytes(preview.mp4_max_bytes)} more.`}
              {preview.left_out.length > 0 && ` ${preview.left_out.join(', ')} would enlarge the picture and ${preview.left_out.length === 1 ? 'is' : 'are'} left out.`}
            </p>
            {preview.warnings.map((warning) => (
              <p key={warning} class="small warn-text" data-testid="preview-warning">{warning}</p>
            ))}
          </>
        )}
      </div>
    </section>
  );
}
