import { parseDatabaseUrl } from './database-target.ts'
import { reportFailure } from './failure.ts'
import { parsePort } from './listen.ts'
import { loadData } from './load.ts'
import { createProgress } from './progress.ts'
import { openSession, untilInterrupted } from './session.ts'

/** Serves the app without Sluice until Ctrl-C. Resolves to the exit code. */
async function main(): Promise<number> {
  const port = parsePort(process.env.PORT)
  const loaded = parseDatabaseUrl(process.env.DATABASE_URL)
  await loadData(loaded, createProgress())
  const session = await openSession({ loaded, port })
  process.stderr.write(`Serving the app without Sluice at ${session.origin}. Press Ctrl-C to stop.\n`)
  await untilInterrupted()
  await session.close()
  return 0
}

process.exitCode = await main().catch(reportFailure)
