import { megabytes, percent, type TuningChange } from '../../monitoring/report/advice.ts'

/** A change, its expected and its measured effect, for people. */
export function changeText(change: Omit<TuningChange, 'text'>): string {
  const { kind, setting, from, to, expected, status, measured } = change
  const value = (of: number) => (kind === 'cacheBytes' ? megabytes(of) : String(of))
  const effect = (of: number) => effectText(expected.measure, of)
  const verb = to > from ? 'Raised' : 'Lowered'
  const summary = `${verb} ${setting} from ${value(from)} to ${value(to)}`
  const promise = `expected: ${effect(expected.to)} instead of ${effect(expected.from)}`
  if (status === 'checking') return `${summary} (${promise}). The effect is being measured.`
  const found =
    measured === undefined
      ? 'the effect could not be measured'
      : `measured: ${effect(measured.with)}, and ${effect(measured.without)} without the change`
  return `${summary} (${promise}), and ${status === 'kept' ? 'kept it' : 'undid it'}: ${found}.`
}

function effectText(measure: TuningChange['expected']['measure'], value: number): string {
  if (measure === 'hitRate') return `${percent(value, 1)} of reads from memory`
  const number = value < 10 ? value.toFixed(1) : value.toFixed(0)
  return measure === 'waitMs' ? `a mean wait of ${number} ms` : `${number} tasks per second`
}
