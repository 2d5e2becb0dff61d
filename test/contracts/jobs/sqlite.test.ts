import { jobBackendContract } from './job-backend-contract.ts'
import { sqliteWorld } from './sqlite-world.ts'

jobBackendContract('sqlite', sqliteWorld)
