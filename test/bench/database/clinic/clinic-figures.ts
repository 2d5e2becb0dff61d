import type { Dialect } from '@sluice/core'
import { inspectDatabase } from '@sluice/core/database'
import { createPgliteScratch } from '../../../../packages/cli/src/scratch/pglite-scratch.ts'
import { startMariadb } from '../../../services/mariadb.ts'
import { startPostgres } from '../../../services/postgres.ts'
import type { TestService } from '../../../services/service.ts'
import type { BenchFigure } from '../report.ts'
import { createClinic } from './clinic-tables.ts'
import { ClinicAdvisor, type ClinicVerdict } from './judge-clinic.ts'
import { openClinic } from './open-clinic.ts'

const SEED = 5
const TARGET = 85
const STARTS: Readonly<Record<Dialect, (() => Promise<TestService>) | undefined>> = {
  sqlite: undefined,
  postgresql: startPostgres,
  mysql: startMariadb,
}

/**
 * The share of the clinic's statements for which the advice is right: partitions, pages, flags, `max`,
 * collations, and rewrites.
 *
 * @throws ServiceUnavailableError if this machine has no such database.
 */
export async function clinicFigures(
  name: string,
  dialect: Dialect,
  scale: number,
  onVerdict: (verdict: ClinicVerdict) => void,
): Promise<BenchFigure[]> {
  const service = await STARTS[dialect]?.()
  try {
    const clinic = createClinic(SEED, scale)
    const database = await openClinic(dialect, clinic, service?.url)
    const snapshot = await inspectDatabase(database.connection)
    const scratch = dialect === 'postgresql' ? await createPgliteScratch(snapshot) : undefined
    const advisor = new ClinicAdvisor(database, snapshot, clinic, { scratch })
    const verdicts: ClinicVerdict[] = []
    for (const id of advisor.ids) {
      const verdict = await advisor.judge(id)
      verdicts.push(verdict)
      onVerdict(verdict)
    }
    await advisor.close()
    await database.close()
    const value = (verdicts.filter(({ isRight }) => isRight).length / verdicts.length) * 100
    return [
      { id: `${name}, clinic: statements answered rightly`, value, unit: '%', target: TARGET, bound: '≥' },
    ]
  } finally {
    await service?.stop()
  }
}
