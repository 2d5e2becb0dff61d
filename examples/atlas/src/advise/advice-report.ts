import { analyzeSql } from '@sluice/core'
import { count, paint, type ReportStyle } from '../format.ts'
import { type AdviceResult, hasGain } from './run-advice.ts'

/** The recommended indexes compared with the set that was chosen manually. Ends without a line break. */
export function formatAdvice(result: AdviceResult, style: ReportStyle): string {
  const { analysis, advised, careful } = result
  const { product, version } = analysis.database
  return [
    paint(
      style,
      '1',
      `${product} ${version.split(/[-+ ]/, 1)[0]}: advised in ${(analysis.tookMs / 1_000).toFixed(1)} s`,
    ),
    ...advised.map((index) => {
      const mark = hasGain(index) ? paint(style, '32', '✓') : paint(style, '31', '✗')
      return `${mark} ${index.title}   without it ${ms(index.without)}, with it ${ms(index.with)}`
    }),
    '',
    paint(style, '1', 'Chosen manually (indexes.md)'),
    ...careful.map(({ index, foundAs }) => {
      const name = `${index.table}(${index.columns.join(', ')})`
      if (foundAs !== undefined) return `${paint(style, '32', '✓')} ${name}   found as ${foundAs}`
      return index.isOutOfReach
        ? `– ${name}   not useful here, see indexes.md`
        : `${paint(style, '31', '✗')} ${name}   not found`
    }),
    '',
    paint(style, '1', 'Statements'),
    ...statementLines(result, style),
  ].join('\n')
}

/** Whether all of the set was found, and everything that was advised is of use. */
export function isGood({ advised, careful }: AdviceResult): boolean {
  return (
    careful.every(({ index, foundAs }) => foundAs !== undefined || index.isOutOfReach) &&
    advised.every(hasGain)
  )
}

function statementLines({ workload, before, after }: AdviceResult, style: ReportStyle): string[] {
  return workload.flatMap(({ fingerprint, sql, dialect, calls }) => {
    const [without, present] = [before.get(fingerprint), after.get(fingerprint)]
    if (without === undefined || present === undefined) return []
    const label = analyzeSql(sql, dialect).shape
    const head = `${ms(without).padStart(9)} → ${ms(present).padStart(9)}  ${count(calls).padStart(6)}×  `
    const room = Math.max(20, style.width - head.length)
    return [`${head}${label.length > room ? `${label.slice(0, room - 1)}…` : label}`]
  })
}

function ms(value: number): string {
  return `${value < 1 ? value.toFixed(3) : value.toFixed(1)} ms`
}
