import type { ComponentChildren } from 'preact'
import { count, exact } from '../format/numbers.ts'

/** Shows a number, with all digits as a tooltip if it is shortened. Anything else is shown unchanged. */
export function shown(value: ComponentChildren): ComponentChildren {
  return typeof value === 'number' ? <span title={exact(value)}>{count(value)}</span> : value
}
