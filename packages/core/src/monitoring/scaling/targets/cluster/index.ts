export type { Admission, ScalerTarget } from '../../scaling-executor.ts'
export { type ClusterTarget, closeConnectionsOnDisconnect, clusterTarget } from './cluster-target.ts'
export type { ClusterTargetOptions } from './cluster-worker.ts'
