import { memoryJobBackend } from '@sluice/core'
import { jobBackendContract } from './job-backend-contract.ts'

jobBackendContract('memory', async () => {
  // It belongs to one process, which all engines share.
  const backend = memoryJobBackend()
  return { connect: () => backend, stop: async () => {} }
})
