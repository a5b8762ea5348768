// The one stack that the files of this suite share; each file starts it if it is not running.
import { Stack } from '../env/stack.mjs';

export const stack = new Stack('e2e', 18080);
