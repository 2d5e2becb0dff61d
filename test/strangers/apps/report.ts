import { median } from '../../bench/harness.ts'
import type { AppReport, ModeReport } from './run-app.ts'

/** Prints how each mode compares with the first one, which is without Sluice. */
export function printReport({ compared, differences, statuses, kinds, modes, bound }: AppReport): void {
  console.log(`${compared} responses compared, ${differences.length} different.`)
  console.log(`Statuses: ${[...statuses].map(([status, count]) => `${count} × ${status}`).join(', ')}.`)
  for (const difference of differences.slice(0, 5)) console.log(difference)
  const [bare] = modes
  if (bare === undefined) return
  console.log('\nmode        statements   saved     CPU over bare         wall over bare')
  for (const mode of modes) {
    const saved = 1 - mode.statements / bare.statements
    console.log(
      [
        mode.mode.padEnd(10),
        String(mode.statements).padStart(11),
        `${(100 * saved).toFixed(1)}%`.padStart(8),
        ratioOf(mode.cpuMs, bare.cpuMs).padStart(22),
        ratioOf(mode.wallMs, bare.wallMs).padStart(22),
      ].join(' '),
    )
  }
  const { statements, cached, batched, frames } = bound
  const share = ((100 * (cached + batched + frames)) / statements).toFixed(1)
  console.log(
    `bound      ${String(statements - cached - batched - frames).padStart(11)} ${`${share}%`.padStart(8)}  ${cached} by an ideal cache, ${batched} by ideal batching, ${frames} BEGIN and COMMIT`,
  )
  console.log('\nstatements per request')
  for (const [kind, count] of kinds)
    console.log(
      `${kind.padEnd(24)} ${modes.map(({ mode, byKind }) => `${mode} ${((byKind.get(kind) ?? 0) / count).toFixed(1)}`).join('  ')}`,
    )
  for (const { mode, report } of modes) printStats(mode, report)
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
