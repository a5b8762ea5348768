import { useTitle } from '../components/useTitle';

export default function LibraryPage() {
  useTitle('Library');
  return <h1 tabIndex={-1}>Library</h1>;
}
