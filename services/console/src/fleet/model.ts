// The fleet as people read it: what is well, and what to do about what is not. Pure.
import type { Fleet, Queue, QueueSettings } from '../api/schema';

export interface Concern {
  key: string;
  serious: boolean;
  title: string;
  advice: string;
}

const kOldSeconds = 120; // of waiting in a queue with free workers, or with none

const kConsequences: Record<string, string> = {
  upload: 'Uploads are not taken; clients go on by themselves once it is back.',
  metadata: 'Lists and changes of videos may fail.',
  orchestrator: 'Nothing new is processed; finished videos play on.',
  'transcode-worker': 'Videos wait to be processed; nothing is lost.',
  'streaming-gateway': 'Only what the edge has in its cache plays.',
  'analytics-ingest': 'Players keep their events for a while; playback goes on.',
};

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;

export function concernsOf(fleet: Fleet): Concern[] {
  const concerns: Concern[] = [];
  for (const daemon of fleet.daemons) {
    if (daemon.state === 'ready') continue;
    const away = daemon.state === 'away';
    const consequence = kConsequences[daemon.name] ?? '';
    concerns.push({
      key: `daemon ${daemon.name} ${daemon.address}`,
      serious: away,
      title: away ? `${daemon.name} does not answer` : `${daemon.name} runs, but refuses work`,
      advice: [consequence, away ? `Is it running on ${daemon.address}? Start it, or read its log.` : sentence(daemon.detail || 'Its log says what it waits for')].filter(Boolean).join(' '),
    });
  }
  if (fleet.orchestrator_error) {
    concerns.push({
      key: 'orchestrator', serious: true, title: 'Workers and queues cannot be shown',
      advice: `The orchestrator was asked and said: ${fleet.orchestrator_error}. Running work goes on.`,
    });
  }
  for (const queue of fleet.queues) {
    const workers = fleet.workers.filter((worker) => worker.queue === queue.name);
    if (queue.paused) {
      concerns.push({
        key: `queue ${queue.name}`, serious: false, title: `The queue ${queue.name} is paused`,
        advice: `Nothing of it begins until somebody resumes it; ${queue.ready} ${queue.ready === 1 ? 'activity waits' : 'activities wait'}.`,
      });
    } else if (queue.ready > 0 && workers.length === 0) {
      concerns.push({
        key: `queue ${queue.name}`, serious: true, title: `Nobody works on the queue ${queue.name}`,
        advice: `${queue.ready} ${queue.ready === 1 ? 'activity waits' : 'activities wait'}. Start a worker for it.`,
      });
    } else if (queue.oldest_ready_seconds > kOldSeconds) {
      concerns.push({
        key: `queue ${queue.name}`, serious: false, title: `The queue ${queue.name} is behind`,
        advice: `The oldest activity has waited ${Math.round(queue.oldest_ready_seconds / 60)} min. More workers would shorten it.`,
      });
    }
  }
  return concerns;
}

// What operators have set, as words.
export function limitsOf({ max_running, max_starts_per_second }: Queue): string {
  return [max_running > 0 && `at most ${max_running} at a time`, max_starts_per_second > 0 && `${max_starts_per_second} a second`].filter(Boolean).join(', ');
}

// Until the next news of the fleet come.
export function withSettings(fleet: Fleet, { queue, paused, max_running, max_starts_per_second }: QueueSettings): Fleet {
  return { ...fleet, queues: fleet.queues.map((one) => (one.name === queue ? { ...one, paused, max_running, max_starts_per_second } : one)) };
}

export function verdict(concerns: Concern[]): string {
  if (concerns.length === 0) return 'All is well';
  return concerns.length === 1 ? '1 thing needs attention' : `${concerns.length} things need attention`;
}

// `video/{id}: 720p/chunk/3` -> the video and what is done for it.
export function activityOf(text: string): { videoId: string; what: string } {
  const match = /^video\/([^:]+): (.*)$/.exec(text);
  return match ? { videoId: match[1], what: match[2] } : { videoId: '', what: text };
}
