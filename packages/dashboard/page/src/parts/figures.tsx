import type { ComponentChildren } from 'preact'
import { count, exact } from '../format.ts'

interface Figure {
  readonly label: string
  /** A number is shown as a whole number. */
  readonly value: ComponentChildren
  readonly note?: ComponentChildren
}

/** A row of numbers with labels. */
export function Figures({ figures }: { figures: readonly Figure[] }) {
  return (
    <dl class="figures">
      {figures.map(({ label, value, note }) => (
        <div key={label} class="figure">
          <dt>{label}</dt>
          <dd>
            <span class="figure-value">{shown(value)}</span>
            {note !== undefined && <span class="figure-note">{note}</span>}
          </dd>
        </div>
      ))}
    </dl>
  )
}

/** Shows a number, with all digits as a tooltip if it is shortened. Anything else is shown unchanged. */
export function shown(value: ComponentChildren): ComponentChildren {
  return typeof value === 'number' ? <span title={exact(value)}>{count(value)}</span> : value
}
