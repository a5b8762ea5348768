// What the frame shows of running uploads. Small, so that pages need not load the upload code for it.

export interface Activity {
  active: number; // files being sent or waiting
  percent: number; // over them
}

let current: Activity = { active: 0, percent: 0 };
const listeners = new Set<() => void>();

export const activity = {
  get: (): Activity => current,
  set(next: Activity): void {
    if (next.active === current.active && next.percent === current.percent) return;
    current = next;
    listeners.forEach((listener) => listener());
  },
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  },
};
