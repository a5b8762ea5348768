// Playback tokens: an installation that asks for them gives one per video; it is put into the path of every address, where relative
// addresses in playlists keep it, and renewed before it ends.
import { useEffect, useMemo, useState } from 'preact/hooks';

import { session } from '../session/session';
import { ApiError, send } from './client';
import { config } from './config';
import type { PlaybackToken } from './schema';

const kTtlSeconds = 3600;
const kRenewAt = 0.75; // of a token's life
const kSoonestMs = 1000;
const kRetryMs = 3000;

// `/v/...` and `/t/{another}/v/...` as `/t/{token}/v/...`; anything else stays as it is.
export function withToken(url: string, token: string): string {
  return url.replace(/^((?:https?:\/\/[^/?#]*)?)\/(?:t\/[^/?#]+\/)?v\//, (_all, origin: string) => `${origin}/t/${encodeURIComponent(token)}/v/`);
}

// When a token that was given now is to be renewed, in ms from now.
export const renewalDelay = (expiresAt: number, now: number): number => Math.max(kSoonestMs, (expiresAt - now) * kRenewAt);

export class Pass {
  // `open`: no token is needed. `refused`: none is given; the gateway will say why.
  state: 'waiting' | 'open' | 'granted' | 'refused' = 'waiting';
  private token = '';
  private expiresAt = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private running: Promise<void> | null = null;
  private readonly followers = new Set<() => void>();

  // `given`: the token that came with the page's address; it is not renewed.
  constructor(private readonly videoId: string, private readonly given = '') {
    if (given) [this.token, this.state] = [given, 'granted'];
  }

  get ready(): boolean {
    return this.state !== 'waiting';
  }
  // With the newest token; to be called for each request.
  readonly sign = (url: string): string => (this.token ? withToken(url, this.token) : url);

  // Gets a new token now, e.g. because the old one was refused. Never rejects.
  readonly renew = (): Promise<void> => {
    if (this.given || this.state === 'open') return Promise.resolve();
    this.running ??= this.ask().finally(() => (this.running = null));
    return this.running;
  };

  // Keeps the token fresh while somebody follows; `changed` is called when the state changes.
  follow(changed: () => void): () => void {
    this.followers.add(changed);
    if (this.followers.size === 1 && !this.given) {
      if (this.state === 'waiting' || Date.now() > this.expiresAt - kRetryMs) void this.renew();
      else this.renewIn(renewalDelay(this.expiresAt, Date.now()));
    }
    return () => {
      this.followers.delete(changed);
      if (this.followers.size === 0) clearTimeout(this.timer);
    };
  }

  private renewIn(ms: number): void {
    clearTimeout(this.timer);
    if (this.followers.size > 0) this.timer = setTimeout(() => void this.renew(), ms);
  }

  private async ask(): Promise<void> {
    try {
      const { playback_tokens: needed, auth } = await config();
      if (!needed) return this.become('open');
      if (auth === 'jwt' && !session.token) return this.become('refused');
      const minted = await send<PlaybackToken>('POST', `/v1/videos/${encodeURIComponent(this.videoId)}/playback-tokens`, { ttl_seconds: kTtlSeconds });
      if (!minted.token) return this.become('open');
      this.token = minted.token;
      this.expiresAt = Date.parse(minted.expires_at ?? '');
      this.become('granted');
      this.renewIn(renewalDelay(this.expiresAt, Date.now()));
    } catch (error) {
      if (error instanceof ApiError && !error.transient) this.become('refused');
      else this.renewIn(kRetryMs);
    }
  }

  private become(state: Pass['state']): void {
    if (this.state === state) return;
    this.state = state;
    for (const changed of [...this.followers]) changed();
  }
}

const passes = new Map<string, Pass>();
let askedBy = ''; // the token that they were asked for with

export function passOf(videoId: string): Pass {
  // What one may play another may not, and who could not play may do so after signing in.
  if (askedBy !== session.token) passes.clear();
  askedBy = session.token;
  const known = passes.get(videoId);
  if (known) return known;
  const pass = new Pass(videoId);
  passes.set(videoId, pass);
  return pass;
}

// Takes the token that stands after `#token=` in the page's address, if there is one; the server never sees it.
export function takePass(videoId: string): void {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token) passes.set(videoId, new Pass(videoId, token));
}

// The pass of a video while a component shows it.
export function usePass(videoId: string): Pass {
  const pass = passOf(videoId);
  const [, changed] = useState(0);
  useEffect(() => pass.follow(() => changed((n) => n + 1)), [pass]);
  return pass;
}

// An address as it was signed when it was first shown: a picture is not fetched again because a token was renewed.
export function useSigned(pass: Pass, url: string | undefined): string {
  return useMemo(() => (pass.ready && url ? pass.sign(url) : ''), [pass, pass.ready, url]);
}
