import { useId } from 'preact/hooks';

import { kRanges, type RangeId } from './useNumbers';

export function RangePicker({ value, onChange }: { value: RangeId; onChange(id: RangeId): void }) {
  const name = useId();
  return (
    <fieldset class="range" data-testid="range-picker">
      <legend class="visually-hidden">Time range</legend>
      {kRanges.map((range) => (
        <label key={range.id} data-testid={`range-${range.id}`}>
          <input type="radio" name={name} value={range.id} checked={range.id === value} onChange={() => onChange(range.id)} />
          <span>{range.label}</span>
        </label>
      ))}
    </fieldset>
  );
}
