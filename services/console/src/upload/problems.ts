// Why an upload failed, for people: what happened, and what to do.
import type { Error as ErrorBody } from '../api/schema';
import { sentence } from '../format';

export interface Problem {
  message: string;
  advice: string;
  again: 'resume' | 'anew' | 'never'; // what trying again means
}

interface Answer {
  status: number; // 0: none came
  code: string;
  message: string;
}

interface TusAnswer {
  getStatus(): number;
  getBody(): string;
}

// An answer that says who may do what, as an error: tus-js-client would take it for the end of the upload and forget its address.
export class Refused extends Error {
  constructor(readonly originalResponse: TusAnswer) {
    super(`refused with ${originalResponse.getStatus()}`);
  }
}

// From an error of tus-js-client.
export function answerOf(error: unknown): Answer {
  const told = error as { originalResponse?: TusAnswer | null; causingError?: { originalResponse?: TusAnswer | null } | null };
  const response = told.originalResponse ?? told.causingError?.originalResponse;
  if (!response) return { status: 0, code: '', message: '' };
  try {
    const told = (JSON.parse(response.getBody()) as Partial<ErrorBody>).error;
    return { status: response.getStatus(), code: told?.code ?? '', message: told?.message ?? '' };
  } catch {
    return { status: response.getStatus(), code: '', message: '' };
  }
}

export function problemOf(error: unknown, endpoint: string): Problem {
  const answer = answerOf(error);
  if (answer.status === 460) {
    return { message: 'The bytes that arrived are not those of the file.', advice: 'Perhaps the file changed while it was sent. Upload it again.', again: 'anew' };
  }
  if (answer.status === 413) {
    return { message: sentence(answer.message) || 'The file is larger than this server takes.', advice: 'Upload a shorter or smaller version.', again: 'never' };
  }
  if (answer.status === 404 || answer.status === 410) {
    return { message: 'The server does not have this upload any more.', advice: 'It was discarded or rested for too long. Upload the file again.', again: 'anew' };
  }
  if (answer.status === 401 || answer.status === 403) {
    return { message: sentence(answer.message) || 'The server refused the upload.', advice: 'Sign in with another token, then try again.', again: 'resume' };
  }
  if (answer.status === 429 || answer.status >= 500) {
    return { message: sentence(answer.message) || 'The upload server is busy or not well.', advice: 'What was sent is kept. Try again in a moment.', again: 'resume' };
  }
  if (answer.status === 0) {
    const cause = (error as { causingError?: Error }).causingError ?? error;
    if (cause instanceof DOMException && cause.name === 'NotReadableError') return unreadable;
    return { message: 'The upload server cannot be reached.', advice: `Check the connection (uploads go to ${endpoint}). What was sent is kept.`, again: 'resume' };
  }
  return { message: sentence(answer.message) || `The server answered ${answer.status}.`, advice: 'Try again; if it fails again, upload the file anew.', again: 'anew' };
}

export const unreadable: Problem = {
  message: 'The file cannot be read.',
  advice: 'Perhaps it was moved, deleted or changed since it was chosen. Choose it again.',
  again: 'never',
};

export const emptyFile: Problem = { message: 'The file is empty.', advice: 'Choose another one.', again: 'never' };

// Whether the same request may go through a little later.
export function isPassing(error: unknown): boolean {
  const { status } = answerOf(error);
  return status === 0 || status === 408 || status === 409 || status === 423 || status === 429 || status >= 500;
}
