import type { Check } from '../doctor/check.ts'
import type { Paint } from './palette.ts'
import { wrapped } from './wrapped.ts'

const STYLES = { ok: 'green', warn: 'yellow', fail: 'red', skip: 'dim' } as const
const INDENT = 6

/** Checks as a person reads them on a terminal. Ends with a line break. */
export function doctorReport(checks: readonly Check[], { paint, width }: { readonly paint: Paint; readonly width: number }): string {
  const lines = [paint('bold', 'sluice doctor')]
  const rest = ' '.repeat(INDENT)
  for (const { level, text, fix } of checks) {
    const [first = '', ...more] = wrapped(text, width - INDENT)
    lines.push(`${paint(STYLES[level], level)}${' '.repeat(INDENT - level.length)}${first}`, ...more.map((line) => `${rest}${line}`))
    if (fix !== undefined) lines.push(...wrapped(`fix: ${fix}`, width - INDENT).map((line) => paint('dim', `${rest}${line}`)))
  }
  const count = (level: Check['level']) => checks.filter((check) => check.level === level).length
  const parts = [
    `${count('ok')} ok`,
    ...(count('warn') > 0 ? [`${count('warn')} ${count('warn') === 1 ? 'warning' : 'warnings'}`] : []),
    ...(count('skip') > 0 ? [`${count('skip')} skipped`] : []),
    ...(count('fail') > 0 ? [`${count('fail')} ${count('fail') === 1 ? 'failure' : 'failures'}`] : []),
  ]
  return `${[...lines, '', parts.join(' · ')].join('\n')}\n`
}
