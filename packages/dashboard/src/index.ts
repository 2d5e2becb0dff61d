export { AuthorizeRequiredError } from '@sluice/core/siblings'
export { createDashboard, type Dashboard } from './create-dashboard.ts'
export type { DashboardOptions } from './dashboard-options.ts'
export type { FastifyLike, FastifyReplyLike, FastifyRequestLike } from './http/mounting.ts'
export {
  type LocalProcessesOptions,
  localProcesses,
  PeerUnavailableError,
} from './processes/local-processes.ts'
export { schemaVersion } from './protocol/stream.ts'
export { type ServeDashboardOptions, type ServedDashboard, serveDashboard } from './serve-dashboard.ts'
