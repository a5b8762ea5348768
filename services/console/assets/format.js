// Texts of videos for people.

export const stateText = {
  CREATED: 'Created',
  PROCESSING: 'Processing',
  PARTIALLY_READY: 'Partially ready',
  READY: 'Ready',
  FAILED: 'Failed',
  CANCELLED: 'Cancelled',
  PENDING: 'Waiting',
  RETRYING: 'Retrying',
  DONE: 'Done',
};

export function duration(seconds) {
  if (!(seconds > 0)) return '';
  const whole = Math.round(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const text = parts.map((part) => String(part).padStart(2, '0'));
  return parts[0] > 0 ? `${parts[0]}:${text[1]}:${text[2]}` : `${parts[1]}:${text[2]}`;
}

export function bytes(count) {
  if (!(count > 0)) return '';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (count >= 1024 && unit < units.length - 1) {
    count /= 1024;
    unit += 1;
  }
  return `${count >= 100 || unit === 0 ? Math.round(count) : count.toFixed(1)} ${units[unit]}`;
}

export const isRunning = (video) => ['CREATED', 'PROCESSING', 'PARTIALLY_READY'].includes(video.state);
