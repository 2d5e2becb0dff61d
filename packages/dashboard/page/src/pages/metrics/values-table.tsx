import { useState } from 'preact/hooks'
import type { ChartData } from '../../charts/chart-data.ts'
import { amount, count } from '../../format/numbers.ts'
import { clockTime } from '../../format/times.ts'

const PAGE = 20

/** The chart's figures, the newest first, in pages. */
export function ValuesTable({ data, unit }: { data: ChartData; unit: string }) {
  const [page, setPage] = useState(0)
  const rows = data.times.map((_, index) => index).reverse()
  const pages = Math.max(1, Math.ceil(rows.length / PAGE))
  const shown = Math.min(page, pages - 1)
  const text = (value: number | null | undefined): string => amount(value ?? undefined)
  return (
    <div class="table-wrap">
      <table class="table table-narrow">
        <caption class="hidden-visually">{`Values in ${unit === '' ? 'numbers' : unit}`}</caption>
        <thead>
          <tr>
            <th scope="col">Time</th>
            <th scope="col" class="number">
              Measured
            </th>
            <th scope="col" class="number">
              Forecast
            </th>
            <th scope="col" class="number">
              From
            </th>
            <th scope="col" class="number">
              To
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.slice(shown * PAGE, (shown + 1) * PAGE).map((index) => (
            <tr key={data.times[index]}>
              <th scope="row">{clockTime((data.times[index] ?? 0) * 1_000)}</th>
              <td class="number">{text(data.values[index])}</td>
              <td class="number">{text(data.median[index])}</td>
              <td class="number">{text(data.lower[index])}</td>
              <td class="number">{text(data.upper[index])}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <nav class="pager" aria-label="Pages of values">
        <button type="button" class="button" disabled={shown === 0} onClick={() => setPage(shown - 1)}>
          Newer
        </button>
        <span>{`${shown + 1} of ${count(pages)}`}</span>
        <button type="button" class="button" disabled={shown === pages - 1} onClick={() => setPage(shown + 1)}>
          Older
        </button>
      </nav>
    </div>
  )
}
