// How renditions are named in addresses and for people.

// `/v/{id}/720p/seg_3.m4s` -> `720p`
export function renditionOf(url: string): string {
  const parts = url.split(/[?#]/)[0].split('/');
  return parts.length >= 2 ? decodeURIComponent(parts[parts.length - 2]) : '';
}

export const heightLabel = (width: number, height: number): string => `${Math.min(width || Infinity, height)}p`;
