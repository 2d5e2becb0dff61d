import { supportsColor } from '@sluice/core'
import { formatAdvice, isGood } from './advise/advice-report.ts'
import { runAdvice } from './advise/run-advice.ts'
import { runSluice } from './advise/sluice-command.ts'
import { parseDatabaseUrl } from './database-target.ts'
import { reportFailure } from './failure.ts'
import { loadData } from './load.ts'
import { createProgress } from './progress.ts'

const REQUESTS = 300
const SEED = 7
const WIDTH_WITHOUT_TERMINAL = 120

/**
 * Has the app's indexes advised, makes them, and measures what they are worth. Resolves to the exit code: 1
 * unless all are found and of use.
 */
async function main(): Promise<number> {
  const loaded = parseDatabaseUrl(process.env.DATABASE_URL)
  await loadData(loaded, createProgress())
  const result = await runAdvice({
    loaded,
    requests: REQUESTS,
    seed: SEED,
    sluice: runSluice,
    say: (line) => void process.stderr.write(`${line} …\n`),
  })
  const style = {
    color: supportsColor(process.stdout),
    width: process.stdout.columns ?? WIDTH_WITHOUT_TERMINAL,
  }
  process.stdout.write(`\n${formatAdvice(result, style)}\n`)
  return isGood(result) ? 0 : 1
}

process.exitCode = await main().catch(reportFailure)
