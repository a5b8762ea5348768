import { Link } from '../router';
import './label.css';

// One `key=value` of a video; leads to all videos that have it.
export function Label({ text }: { text: string }) {
  return (
    <Link class="label" href={`/?${new URLSearchParams({ label: text })}`} title="All videos with this label">
      {text}
    </Link>
  );
}
