export { bullmqJobBackend } from './bullmq-job-backend.ts'
export type { BullmqJobBackendOptions } from './jobs-redis.ts'
