import { formatCallSite } from '../../pipeline/call-site.ts'
import type { RedactedValue, ShadowDifference } from '../../pipeline/shadow-difference.ts'
import { plainLine } from '../../shared/plain-line.ts'
import { type FormatOptions, painter } from './paint.ts'

/**
 * Formats a difference that shadow mode found for a terminal, without values of the data. Ends without a line
 * break.
 */
export function formatShadowDifference(difference: ShadowDifference, options: FormatOptions = {}): string {
  const paint = painter(options)
  const { label, scope, callSite, answeredBy, bare, optimized, first } = difference
  const lines = [
    `${paint('red', '▲ Shadow')}  ${scope === undefined ? '' : `${paint('bold', scope)}   `}${bare} bare, ${optimized} optimized`,
    `  ${plainLine(label)}${answeredBy === undefined ? '' : `  ${paint('dim', `served by ${answeredBy}`)}`}`,
  ]
  if (callSite !== undefined) lines.push(`  at   ${paint('cyan', formatCallSite(callSite))}`)
  if (first !== undefined)
    lines.push(
      `  diff ${first.path === '' ? 'result' : plainLine(first.path)}: ${shown(first.bare)} bare, ${shown(first.optimized)} optimized`,
    )
  return lines.join('\n')
}

function shown({ type, hash }: RedactedValue): string {
  return hash === undefined ? type : `${type} #${hash}`
}
