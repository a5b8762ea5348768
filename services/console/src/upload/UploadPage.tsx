import { useTitle } from '../components/useTitle';

export default function UploadPage() {
  useTitle('Upload');
  return <h1 tabIndex={-1}>Upload</h1>;
}
