// What went wrong, in words that say what to do.

export interface Problem {
  title: string;
  advice: string;
  retrying: boolean; // the player tries again by itself
}

export interface Cause {
  kind: 'network' | 'media' | 'unsupported' | 'other';
  status: number; // HTTP; 0: no answer
  code: string;   // for events, e.g. `fragLoadError`
}

export function problemOf(cause: Cause): Problem {
  if (cause.kind === 'unsupported') {
    return { title: 'This browser cannot play the video', advice: 'Open this page in a current Chrome, Edge, Firefox or Safari.', retrying: false };
  }
  if (cause.status === 401 || cause.status === 403) {
    return { title: 'This link may not play the video any more', advice: 'Ask whoever sent it to you for a new one, then reload the page.', retrying: false };
  }
  if (cause.status === 404 || cause.status === 410) {
    return { title: 'The video is not there', advice: 'It may have been deleted or is being made anew. Reload the page in a moment.', retrying: true };
  }
  if (cause.kind === 'network') {
    const advice = cause.status >= 500
      ? 'The server has a problem. Playback goes on by itself as soon as it answers again.'
      : 'Check your connection. Playback goes on by itself as soon as there is one.';
    return { title: 'The video does not arrive', advice, retrying: true };
  }
  if (cause.kind === 'media') {
    return { title: 'The browser could not decode the video', advice: 'Try again, or choose another quality. If it stays, reload the page.', retrying: false };
  }
  return { title: 'The video cannot be played right now', advice: 'Try again, or reload the page.', retrying: false };
}
