// The library's list and how events change it. Pure, newest first; ids grow with time.
import type { Video, VideoState } from '../api/schema';

export interface Filter {
  query: string;
  state: VideoState | '';
  label: string; // `key=value`; empty: any
}

export const hasLabel = (video: Video, label: string): boolean => {
  const equals = label.indexOf('=');
  return video.labels[label.slice(0, equals)] === label.slice(equals + 1);
};

export const matches = (video: Video, { query, state, label }: Filter): boolean =>
  (!state || video.state === state) && (!label || hasLabel(video, label)) && (!query || `${video.title}\n${video.filename}`.toLowerCase().includes(query.toLowerCase()));

export function withVideo(list: Video[], video: Video, filter: Filter, more: boolean): Video[] {
  const index = list.findIndex((other) => other.video_id === video.video_id);
  if (index >= 0 && list[index].version > video.version) return list;
  if (!matches(video, filter)) return index >= 0 ? list.filter((_, at) => at !== index) : list;
  if (index >= 0) return list.map((other, at) => (at === index ? video : other));
  const before = list.findIndex((other) => other.created_at < video.created_at);
  if (before >= 0) return [...list.slice(0, before), video, ...list.slice(before)];
  return more ? list : [...list, video]; // belongs to a page that is not shown yet
}

export const withoutVideo = (list: Video[], id: string): Video[] => (list.some((video) => video.video_id === id) ? list.filter((video) => video.video_id !== id) : list);

// The first page anew: what it does not name in its span is gone, older pages stay. `last`: there is no page after it.
export function withFreshStart(list: Video[], page: Video[], last: boolean): Video[] {
  const known = new Map(list.map((video) => [video.video_id, video]));
  const newest = page.map((video) => {
    const old = known.get(video.video_id);
    return old && old.version > video.version ? old : video;
  });
  const end = page.at(-1)?.created_at;
  if (last || end === undefined) return newest;
  const ids = new Set(page.map((video) => video.video_id));
  return [...newest, ...list.filter((video) => video.created_at <= end && !ids.has(video.video_id))];
}

// The next page; what events added meanwhile is not shown twice.
export function withPage(list: Video[], page: Video[]): Video[] {
  const known = new Set(list.map((video) => video.video_id));
  return [...list, ...page.filter((video) => !known.has(video.video_id))];
}
