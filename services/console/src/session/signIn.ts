// Tries a token that somebody pasted.
import { ApiError, errorOf, request } from '../api/client';
import { sentence } from '../format';
import { session } from './session';
import { claimsOf, tidy } from './token';

// Signs in; gives what is wrong with the token instead, empty when all is well.
export async function signIn(pasted: string): Promise<string> {
  const token = tidy(pasted);
  if (!token) return 'Paste a token first.';
  if (!claimsOf(token)) return 'This is no token: a JSON Web Token has three parts of letters and digits with dots between them. Perhaps a piece is missing.';
  let response: Response;
  try {
    response = await request('/v1/videos?page_size=1', {}, token);
  } catch (error) {
    return error instanceof ApiError ? error.message : String(error);
  }
  // A token without the scope `read` is good for something, too.
  if (!response.ok && response.status !== 403) {
    const { message, status } = await errorOf(response);
    return status === 401 ? `The server does not take this token: ${sentence(message)}` : `${sentence(message)} Try again in a moment.`;
  }
  session.signIn(token);
  return '';
}
