import type { ComponentChildren } from 'preact'
import { shown } from './whole-number.tsx'

export interface Figure {
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
