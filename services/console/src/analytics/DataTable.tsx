import type { ComponentChildren } from 'preact';

// The numbers of a chart as a table, for screen readers and for who wants them exactly.
export function DataTable({ summary, columns, rows }: { summary: string; columns: string[]; rows: ComponentChildren[][] }) {
  return (
    <details class="data-table">
      <summary>{summary}</summary>
      <div class="scroll-x" tabIndex={0} role="region" aria-label={summary}>
        <table>
          <thead>
            <tr>{columns.map((column, index) => <th key={column} scope="col" class={index > 0 ? 'number' : ''}>{column}</th>)}</tr>
          </thead>
          <tbody>
            {rows.map((row, at) => (
              <tr key={at}>{row.map((cell, index) => (index === 0 ? <th key={index} scope="row">{cell}</th> : <td key={index} class="number">{cell}</td>))}</tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
