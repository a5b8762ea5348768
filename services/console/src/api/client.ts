// The REST API: JSON in and out, errors as ApiError. Whatever the console asks the server for goes through `request`.
import { session } from '../session/session';
import type { Error as ErrorBody } from './schema';

export type Query = Record<string, string | number | boolean | undefined | null>;

export class ApiError extends Error {
  constructor(
    readonly code: string, // e.g. INVALID_ARGUMENT; NETWORK when the server was not reached
    message: string,
    readonly status = 0, // 0: not reached
    readonly field = '', // the request's field at fault, if it is one
    readonly retryAfterSeconds = 0, // as the server advised; 0: nothing said
  ) {
    super(message);
    this.name = 'ApiError';
  }
  // The same request may succeed later.
  get transient(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
  get notFound(): boolean {
    return this.status === 404;
  }
}

export function withQuery(path: string, query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') parameters.set(key, String(value));
  }
  const text = parameters.toString();
  return text ? `${path}?${text}` : path;
}

export function get<T>(path: string, options: { query?: Query; signal?: AbortSignal } = {}): Promise<T> {
  return call<T>('GET', withQuery(path, options.query), undefined, options.signal);
}

// `body` undefined: none is sent. Answers without a body give undefined.
export function send<T>(method: 'POST' | 'PATCH' | 'PUT' | 'DELETE', path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  return call<T>(method, path, body, signal);
}

async function call<T>(method: string, path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  const response = await request(path, {
    method,
    signal: signal ?? null,
    headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const text = await response.clone().text();
  if (response.ok && !text) return undefined as T;
  const json = response.ok ? parse(text) : undefined;
  if (json !== undefined) return json as T;
  throw await errorOf(response);
}

export const bearer = (token: string): Record<string, string> => (token ? { Authorization: `Bearer ${token}` } : {});

// fetch with the token of who is signed in. A server that does not take it ends the session.
export async function request(url: string, init: RequestInit & { headers?: Record<string, string> } = {}, token = session.token): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { ...init, headers: { ...init.headers, ...bearer(token) } });
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError('NETWORK', 'Vora cannot be reached. Check the connection and try again.');
  }
  if (response.status === 401) session.refused(token, (await errorOf(response.clone())).message);
  return response;
}

// What an answer that is none of success says.
export async function errorOf(response: Response): Promise<ApiError> {
  const { status, headers } = response;
  const told = (parse(await response.text()) as Partial<ErrorBody> | undefined)?.error;
  const wait = Number(headers.get('Retry-After') ?? 0);
  const fallback = status >= 500 ? 'Vora is not available right now.' : `The request failed (HTTP ${status}).`;
  const message = status === 403 ? withScope(told?.message ?? fallback, headers) : (told?.message ?? fallback);
  return new ApiError(told?.code ?? `HTTP_${status}`, message, status, told?.field ?? '', wait > 0 ? wait : 0);
}

// RFC 6750, section 3: the scope that was needed stands in the challenge.
function withScope(message: string, headers: Headers): string {
  const scope = /\bscope="([^"]+)"/.exec(headers.get('WWW-Authenticate') ?? '')?.[1];
  return scope ? `Your token does not have the scope “${scope}”. Sign in with one that has it.` : message;
}

function parse(text: string): unknown {
  try {
    return text ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

export const isAbort = (error: unknown): boolean => error instanceof DOMException && error.name === 'AbortError';

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
