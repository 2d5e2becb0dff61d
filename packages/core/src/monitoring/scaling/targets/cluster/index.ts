export type { Admission, ScalerTarget } from '../../scaler-target.ts'
export { closeConnectionsOnDisconnect } from './close-connections-on-disconnect.ts'
export { type ClusterTarget, clusterTarget } from './cluster-target.ts'
export type { ClusterTargetOptions } from './cluster-target-options.ts'
