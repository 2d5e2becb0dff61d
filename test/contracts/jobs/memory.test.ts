import { memoryJobBackend } from '@sluice/core'
import { jobBackendContract } from './job-backend-contract.ts'

jobBackendContract('memory', async () => {
  // It belongs to one process: all engines are of that one.
  const backend = memoryJobBackend()
  return { connect: () => backend, stop: async () => {} }
})
