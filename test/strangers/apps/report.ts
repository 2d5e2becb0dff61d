import { boundOf, savedOf, type YieldReport } from '@sluice/core/yield'
import { median } from '../../bench/harness.ts'
import type { AppReport, ModeReport } from './run-app.ts'

/** Prints how each mode compares with the first one, which is without Sluice. */
export function printReport(report: AppReport): void {
  const { compared, differences, statuses, kinds, modes } = report
  console.log(`${compared} responses compared, ${differences.length} different.`)
  console.log(`Statuses: ${[...statuses].map(([status, count]) => `${count} × ${status}`).join(', ')}.`)
  for (const difference of differences.slice(0, 5)) console.log(difference)
  const [bare] = modes
  if (bare === undefined) return
  console.log('\nmode               statements   saved     CPU over bare         wall over bare')
  for (const mode of modes) {
    const saved = 1 - mode.statements / bare.statements
    console.log(
      [
        mode.mode.padEnd(17),
        String(mode.statements).padStart(11),
        `${(100 * saved).toFixed(1)}%`.padStart(8),
        ratioOf(mode.cpuMs, bare.cpuMs).padStart(22),
        ratioOf(mode.wallMs, bare.wallMs).padStart(22),
      ].join(' '),
    )
  }
  if (report.yield !== undefined) printYield(report.yield)
  console.log('\nstatements per request')
  for (const [kind, count] of kinds)
    console.log(
      `${kind.padEnd(24)} ${modes.map(({ mode, byKind }) => `${mode} ${((byKind.get(kind) ?? 0) / count).toFixed(1)}`).join('  ')}`,
    )
  for (const one of modes) printStats(one.mode, one.report)
}

/** Prints an estimate from a trace. */
function printYield(report: YieldReport): void {
  const { statements, ideal, optimize, missed } = report
  const line = (name: string, saved: number, details: string) =>
    console.log(
      `${name.padEnd(17)} ${String(statements - saved).padStart(11)} ${`${((100 * saved) / statements).toFixed(1)}%`.padStart(8)}  ${details}`,
    )
  line(
    'estimate',
    savedOf(report),
    `${optimize.cached} cached, ${optimize.batched} batched, ${optimize.prefetched} prefetched`,
  )
  line(
    'bound',
    boundOf(report),
    `${ideal.cached} by an ideal cache (${ideal.cachedWithinTtl} within the TTL), ${ideal.batched} by ideal batching, ${ideal.frames} BEGIN and COMMIT`,
  )
  for (const { reason, statements: count, examples } of missed.slice(0, 8))
    console.log(`  ${String(count).padStart(6)} ${reason}: ${examples[0]?.label.slice(0, 100)}`)
}

function printStats(mode: string, report: ModeReport['report']): void {
  if (report === undefined) return
  const reasons = Object.entries(report.passedThrough).sort(([, one], [, other]) => other - one)
  console.log(`\n${mode}: ${reasons.map(([reason, count]) => `${reason} ${count}`).join(', ')}`)
  for (const finding of report.findings) console.log(`  ${finding}`)
}

/** The median of the rounds' ratios, with the least and the greatest. */
function ratioOf(times: readonly number[], bare: readonly number[]): string {
  const ratios = times.map((time, at) => time / (bare[at] as number))
  const [least, most] = [Math.min(...ratios), Math.max(...ratios)]
  return `${median(ratios).toFixed(2)} (${least.toFixed(2)}–${most.toFixed(2)})`
}
