import { parseDatabaseUrl } from './database-target.ts'
import { reportFailure } from './failure.ts'
import { count } from './format.ts'
import { loadData } from './load.ts'
import { createProgress } from './progress.ts'
import { runStatistics } from './statistics/run-statistics.ts'

/**
 * Computes statistics of all regions as a background job. Resolves to the exit code: 1 unless they match the
 * counts of the database.
 */
async function main(): Promise<number> {
  const loaded = parseDatabaseUrl(process.env.DATABASE_URL)
  const progress = createProgress()
  await loadData(loaded, progress)
  const { batch, cities, wrong, operations, statements, seconds } = await runStatistics(loaded, progress)
  process.stdout.write(
    [
      '',
      `${batch.status}: ${count(cities)} cities of ${count(batch.processedItems)} regions in ${seconds.toFixed(1)} s, ${count(cities / seconds)} per second`,
      `${count(operations)} calls of the ORMs, ${count(statements)} statements in the database`,
      wrong === 0 ? 'every count equals the count of the database' : `${count(wrong)} counts are wrong`,
      '',
    ].join('\n'),
  )
  return batch.status === 'completed' && wrong === 0 ? 0 : 1
}

process.exitCode = await main().catch(reportFailure)
