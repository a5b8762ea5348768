import './skeleton.css';

// Grey shapes where content will be.
export function Skeleton({ height = 16, width = '100%', radius = 8 }: { height?: number; width?: string; radius?: number }) {
  return <span class="skeleton" style={{ height: `${height}px`, width, borderRadius: `${radius}px` }} aria-hidden="true" />;
}

export function Loading({ label = 'Loading' }: { label?: string }) {
  return (
    <div class="stack" role="status">
      <span class="visually-hidden">{label}…</span>
      <Skeleton height={32} width="40%" />
      <Skeleton height={160} radius={12} />
      <Skeleton height={16} width="70%" />
    </div>
  );
}
