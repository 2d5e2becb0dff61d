import { describe } from 'vitest'
import { freshPostgresWorld, postgres } from './fresh-postgres-world.ts'
import { jobBackendContract } from './job-backend-contract.ts'

describe.skipIf(postgres?.skipped !== undefined)('on PostgreSQL', () => {
  jobBackendContract('postgres', freshPostgresWorld)
})
