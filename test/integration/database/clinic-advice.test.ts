import type { Dialect } from '@sluice/core'
import { inspectDatabase } from '@sluice/core/database'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPgliteScratch } from '../../../packages/cli/src/scratch/pglite-scratch.ts'
import { clinicSql, clinicStatements } from '../../bench/database/clinic/clinic-statements.ts'
import { createClinic } from '../../bench/database/clinic/clinic-tables.ts'
import { ClinicAdvisor } from '../../bench/database/clinic/judge-clinic.ts'
import { type ClinicDatabase, openClinic } from '../../bench/database/clinic/open-clinic.ts'
import { type Database, databases } from '../../support/databases.ts'
import { TEST_MS } from '../../support/patience.ts'

/** Fraction of the rows of the benchmark. */
const SCALE = 0.4

for (const { name, dialect, skipped, connect } of databases()) {
  describe.skipIf(skipped !== undefined)(
    `the advisor on a clinic in ${name}, one statement at a time`,
    () => {
      let service: Database | undefined
      let database: ClinicDatabase | undefined
      let advisor: ClinicAdvisor

      beforeAll(async () => {
        const clinic = createClinic(5, SCALE)
        service = dialect === 'sqlite' ? undefined : await connect()
        database = await openClinic(dialect, clinic, service?.url)
        const snapshot = await inspectDatabase(database.connection)
        const scratch = dialect === 'postgresql' ? await createPgliteScratch(snapshot) : undefined
        // Only planned: measured times are not the same each time.
        advisor = new ClinicAdvisor(database, snapshot, clinic, { scratch, measures: dialect === 'mysql' })
      }, TEST_MS * 2)

      afterAll(async () => {
        await advisor?.close()
        await database?.close()
        await service?.drop()
      })

      it.each(statementsOf(dialect))(
        'returns the known good advice for %s',
        { timeout: TEST_MS },
        async (id) => {
          const verdict = await advisor.judge(id)
          expect(verdict).toEqual({ ...verdict, isRight: true })
        },
      )
    },
  )
}

function statementsOf(dialect: Dialect): string[] {
  return clinicStatements
    .filter((statement) => clinicSql(statement, dialect) !== undefined)
    .map(({ id }) => id)
}
