import type { Tone } from './Badge';
import './progress.css';

interface Props {
  value: number; // 0 to 100
  label: string; // for screen readers
  tone?: Tone;
  valueText?: string; // said instead of the percentage
  indeterminate?: boolean;
  testid?: string;
}

export function ProgressBar({ value, label, tone = 'info', valueText, indeterminate = false, testid }: Props) {
  const shown = Math.max(0, Math.min(100, value));
  return (
    <div
      class={`progress ${tone}${indeterminate ? ' indeterminate' : ''}`}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={indeterminate ? undefined : Math.floor(shown)}
      aria-valuetext={valueText}
      data-testid={testid}
    >
      <div style={{ width: indeterminate ? '40%' : `${shown}%` }} />
    </div>
  );
}
