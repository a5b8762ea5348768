import { useEffect, useState } from 'preact/hooks';

import { get, messageOf, send } from '../api/client';
import type { Scan, ScanFile, ScanFilePage, Source } from '../api/schema';
import { StateBadge } from '../components/Badge';
import { Button } from '../components/Button';
import { toast } from '../components/Toast';
import { count, date, span } from '../format';

const pollMs = 1000;
const shownFiles = 100;

export function SourceRow({ source }: { source: Source }) {
  const [scan, setScan] = useState<Scan | undefined>(source.last_scan);
  const [busy, setBusy] = useState(false);
  const path = `/v1/sources/${encodeURIComponent(source.name)}`;
  const running = scan?.state === 'RUNNING';

  useEffect(() => {
    if (!running) return undefined;
    const timer = setInterval(() => {
      // A server that is away for a moment is asked again.
      get<Scan>(`${path}/scans/${scan.scan_id}`).then(setScan, () => undefined);
    }, pollMs);
    return () => clearInterval(timer);
  }, [running, scan?.scan_id]);

  const act = async (address: string) => {
    setBusy(true);
    try {
      setScan(await send<Scan>('POST', address));
    } catch (error) {
      toast(messageOf(error), 'bad');
    }
    setBusy(false);
  };
  return (
    <li class="source" data-testid={`source-${source.name}`}>
      <div class="source-head">
        <div class="source-name">
          <strong>{source.name}</strong>
          <span class="muted small source-location">{source.location}</span>
        </div>
        {running ? (
          <Button icon="stop" busy={busy} onClick={() => void act(`${path}/scans/${scan.scan_id}:cancel`)} testid="cancel-scan">
            Stop
          </Button>
        ) : (
          <Button icon="search" busy={busy} onClick={() => void act(`${path}:scan`)} testid="scan">
            Scan
          </Button>
        )}
      </div>
      <p class="muted small">
        {source.copied ? 'Files are copied into the store.' : 'Files are encoded from where they lie.'}
        {source.watch_seconds > 0 && ` Scanned every ${span(source.watch_seconds)}.`}
        {source.takes_events && ' Its bucket tells of new files.'}
      </p>
      {source.problem && <p class="small bad-text" data-testid="source-problem">Cannot be read now: {source.problem}</p>}
      {scan && <ScanResult scan={scan} path={path} />}
    </li>
  );
}

function ScanResult({ scan, path }: { scan: Scan; path: string }) {
  const counts = [
    ['found', scan.found],
    ['registered', scan.registered],
    ['skipped', scan.skipped],
    ['failed', scan.failed],
  ] as const;
  return (
    <div class="stack scan" data-testid="scan-result" data-state={scan.state}>
      <div class="row scan-counts" role="status">
        <StateBadge state={scan.state} />
        {counts.map(([name, files]) => (
          <span key={name} data-testid={`scan-${name}`}>
            <strong>{count(files)}</strong> {name}
          </span>
        ))}
        <span class="muted small">{date(scan.started_at)}</span>
      </div>
      {scan.problem && <p class="small bad-text">{scan.state === 'RUNNING' ? 'Waits' : 'Ended'}: {scan.problem}</p>}
      {scan.reasons.length > 0 && (
        <ul class="small muted scan-reasons">
          {scan.reasons.map(({ outcome, reason, files }) => (
            <li key={outcome + reason}>
              {count(files)} {outcome}: {reason}
            </li>
          ))}
        </ul>
      )}
      {scan.failed > 0 && scan.state !== 'RUNNING' && <FailedFiles key={scan.scan_id} address={`${path}/scans/${scan.scan_id}/files`} />}
    </div>
  );
}

function FailedFiles({ address }: { address: string }) {
  const [files, setFiles] = useState<ScanFile[] | null>(null);
  const load = async () => {
    try {
      setFiles((await get<ScanFilePage>(address, { query: { outcome: 'failed', page_size: shownFiles } })).files);
    } catch (error) {
      toast(messageOf(error), 'bad');
    }
  };
  return (
    <details class="small" onToggle={(event) => event.currentTarget.open && !files && void load()}>
      <summary>What failed</summary>
      <ul class="failed-files" data-testid="failed-files">
        {files?.map(({ key, reason }) => (
          <li key={key}>
            <code>{key}</code>: {reason}
          </li>
        ))}
      </ul>
    </details>
  );
}
