// What to do about a failure, by its code.

export function adviceFor(code: string): string {
  if (code === 'media.empty' || code === 'media.no_video') return 'Check that it is the right file, and upload one with a picture track.';
  if (code === 'media.too_large') return 'Export it with a smaller picture or frame rate, and upload that.';
  if (code === 'media.truncated') return 'The file ends too early. Check the original, and upload it again.';
  if (code.startsWith('media.')) return 'Check that the file plays on your computer; if it does, export it anew (MP4 with H.264 is safe) and upload that.';
  if (code === 'import.changed') return 'Wait until nothing writes the file any more, and import it again: it becomes a new video.';
  if (code === 'import.refused') return 'Check that the link is still valid, or that the keys of the source may read the file; then retry.';
  if (code === 'import.not_a_file') return 'Give the address of the video file itself, not of the page or the playlist around it.';
  if (code.startsWith('import.')) return 'Check where the file lies; once it is there, retry.';
  if (code === 'source.not_found') return 'The uploaded file is gone from the store. Upload it again.';
  if (code === 'worker.init_mismatch') return 'Another version of the encoder began it, and the two do not go together. Encode it anew.';
  if (code === 'worker.out_of_memory') return 'The encoder ran out of memory. An operator can give the workers more; then retry.';
  if (code.startsWith('store.') || code.startsWith('storage.')) return 'The object store was not available. Retry once it is; finished parts are kept.';
  return 'Retry; finished parts are kept. If it fails again, the timeline shows what went wrong.';
}
