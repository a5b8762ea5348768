// Uploads are sent with the token of who is signed in at that moment, also when they go on after a break.
import type { UploadOptions } from 'tus-js-client';

import { bearer } from '../api/client';
import { session } from '../session/session';
import { answerOf, Refused } from './problems';

export function authorised(): Pick<UploadOptions, 'onBeforeRequest' | 'onAfterResponse'> {
  let token = '';
  return {
    onBeforeRequest: (request) => {
      token = session.token;
      for (const [name, value] of Object.entries(bearer(token))) request.setHeader(name, value);
    },
    onAfterResponse: (_request, response) => {
      if (response.getStatus() !== 401 && response.getStatus() !== 403) return;
      const refused = new Refused(response);
      if (response.getStatus() === 401) session.refused(token, answerOf(refused).message);
      throw refused;
    },
  };
}
