import { type CallSite, formatCallSite } from '@sluice/core'
import type { Place } from '../protocol/common.ts'

/** A place in the code as the page shows it. */
export function placeOf(site: CallSite): Place
export function placeOf(site: CallSite | undefined): Place | null
export function placeOf(site: CallSite | undefined): Place | null {
  if (site === undefined) return null
  const text = formatCallSite(site)
  const { line, column, functionName = null } = site
  return { file: text.slice(0, text.lastIndexOf(':', text.lastIndexOf(':') - 1)), line, column, functionName, text }
}
