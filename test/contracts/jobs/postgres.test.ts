import { fileURLToPath } from 'node:url'
import { describe } from 'vitest'
import { databases } from '../../support/databases.ts'
import { crashContract } from './crash-contract.ts'
import { jobBackendContract } from './job-backend-contract.ts'
import { connectPostgres } from './postgres-world.ts'

const postgres = databases().find(({ dialect }) => dialect === 'postgresql')
const worldModule = fileURLToPath(new URL('postgres-world.ts', import.meta.url))

describe.skipIf(postgres?.skipped !== undefined)('on PostgreSQL', () => {
  const setUp = async () => {
    const database = await postgres?.connect()
    if (database?.url === undefined) throw new Error('There is no PostgreSQL.')
    const { url } = database
    return { connect: () => connectPostgres(url), child: { module: worldModule, args: [url] }, stop: () => database.drop() }
  }
  jobBackendContract('postgres', setUp)
  crashContract('postgres', setUp)
})
