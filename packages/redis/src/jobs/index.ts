export { bullmqJobBackend } from './bullmq-job-backend.ts'
export type { BullmqJobBackendOptions } from './bullmq-job-backend-options.ts'
