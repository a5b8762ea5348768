import { useCallback, useEffect, useState } from 'preact/hooks';

import { get, messageOf, send } from '../api/client';
import type { Encode, EncodeList, Video } from '../api/schema';
import { StateBadge } from '../components/Badge';
import { Button } from '../components/Button';
import { ProgressBar } from '../components/ProgressBar';
import { toast } from '../components/Toast';
import { date } from '../format';

const pollMs = 1500;
const underWay = ({ state }: Encode): boolean => state === 'CREATED' || state === 'PROCESSING' || state === 'PARTIALLY_READY';

// The times that the video was encoded anew. `asked` grows when another one was asked for.
export function Encodes({ video, asked }: { video: Video; asked: number }) {
  const [encodes, setEncodes] = useState<Encode[]>([]);
  const path = `/v1/videos/${video.video_id}/encodes`;
  const load = useCallback(async () => {
    try {
      setEncodes((await get<EncodeList>(path)).encodes);
    } catch {
      // Asked again with the next step; the video itself says when the server is away.
    }
  }, [path]);
  useEffect(() => void load(), [load, asked, video.revision]);
  const running = encodes.some(underWay);
  useEffect(() => {
    if (!running) return undefined;
    const timer = setInterval(() => void load(), pollMs);
    return () => clearInterval(timer);
  }, [running, load]);

  const cancel = async (revision: number) => {
    try {
      await send<Encode>('POST', `${path}/${revision}:cancel`);
      await load();
    } catch (error) {
      toast(messageOf(error), 'bad');
    }
  };
  if (encodes.length === 0) return null;
  return (
    <section class="card padded stack" aria-labelledby="encodes-heading" data-testid="encodes">
      <h2 id="encodes-heading">Encoded anew</h2>
      <ul class="encodes">
        {encodes.map((encode) => (
          <li key={encode.revision} class="stack" data-testid={`encode-${encode.revision}`} data-state={encode.state}>
            <div class="row encode-head">
              <span class="grow">
                {encode.revision}. by {encode.ladder}, {date(encode.created_at)}
              </span>
              {encode.revision === video.revision && <span class="muted small">players get this one</span>}
              <StateBadge state={encode.state} />
              {underWay(encode) && (
                <Button icon="stop" onClick={() => void cancel(encode.revision)} testid="cancel-encode">
                  Stop
                </Button>
              )}
            </div>
            {underWay(encode) && <ProgressBar value={encode.progress_percent} label={`Encode ${encode.revision}`} />}
            {encode.failure && <p class="small bad-text">{encode.failure}</p>}
          </li>
        ))}
      </ul>
    </section>
  );
}
