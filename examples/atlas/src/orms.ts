import { type Column, formatColumns } from './columns.ts'
import { parseDatabaseUrl } from './database-target.ts'
import { reportFailure } from './failure.ts'
import { count } from './format.ts'
import { loadData } from './load.ts'
import { compareOrms, type OrmComparison } from './orms/compare-orms.ts'
import { prisma8Missing } from './orms/open-routes.ts'
import { createProgress } from './progress.ts'

const REGION = 'GB.ENG'

const COLUMNS: readonly Column<OrmComparison>[] = [
  { title: 'ORM', align: 'left', expendable: 0, cell: ({ orm }) => orm },
  { title: 'queries', align: 'right', expendable: 0, cell: ({ before }) => count(before) },
  { title: 'with Sluice', align: 'right', expendable: 0, cell: ({ after }) => count(after) },
  {
    title: 'response',
    align: 'left',
    expendable: 1,
    cell: ({ isEqual }) => (isEqual ? 'equal' : 'different'),
  },
]

/** Compares the same route in each ORM. Resolves to the exit code: 1 unless all responses are equal. */
async function main(): Promise<number> {
  const target = parseDatabaseUrl(process.env.DATABASE_URL)
  await loadData(target, createProgress())
  const compared = await compareOrms(target, process.argv[2] ?? REGION)
  process.stdout.write(`${formatColumns(COLUMNS, compared, 80).join('\n')}\n`)
  const missing = prisma8Missing(target)
  if (missing !== undefined) process.stdout.write(`${missing}\n`)
  const isSame = compared.every(({ body, isEqual }) => isEqual && body === compared[0]?.body)
  return isSame ? 0 : 1
}

process.exitCode = await main().catch(reportFailure)
