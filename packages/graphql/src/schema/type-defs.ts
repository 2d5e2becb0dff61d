/** Names that the app's schema usually defines. List those that this schema must define instead. */
export type DefinedName = 'Query' | 'Mutation' | 'JSON'

const types = `
type PerformanceMetrics { timestamp: Int! cpu: Float! memory: Float! disk: Float! responseTime: Float! errorRate: Float! requestsPerSecond: Int! }
type CacheStats { hits: Int! misses: Int! hitRate: Float! itemCount: Int! usedMemory: Int! totalMemory: Int! }
type ClusterStatus { healthyNodes: Int! unhealthyNodes: Int! averageLoad: Float! totalCapacity: Int! }

"Statistics and recommendations for a normalized query. Times are in milliseconds. -1 means unknown."
type QueryAnalysis {
  query: String!
  "Equal for statements that differ only in values."
  fingerprint: String!
  "Time of one execution; the mean of several executions."
  executionTime: Float!
  rowsScanned: Float!
  rowsReturned: Float!
  scanRatio: Float!
  fullTableScan: Boolean!
  "Whether fullTableScan is inferred from statistics and SQL, without a plan."
  isInferred: Boolean!
  indexesUsed: [String!]!
  warnings: [String!]!
  recommendations: [String!]!
  "low, medium, high or critical"
  severity: String!
  "The most frequent call site."
  callSite: CallSite
  calls: Float
  totalTime: Float
  maxTime: Float
  plan: JSON
}

type CallSite {
  file: String!
  line: Int!
  column: Int!
  functionName: String
}

"A scaling decision."
type ScalingEvent {
  "Seconds since 1970."
  timestamp: Int!
  "up or down; none if forecasts were turned off or on"
  direction: String!
  from: Int!
  to: Int!
  metric: String!
  value: Float
  reasons: [String!]!
  "load, policy or manual"
  source: String!
  by: String
  "Whether there is no scaling target, so that the decision was not executed."
  isDryRun: Boolean!
}

"A forecast of a metric."
type PredictionResult {
  value: Float!
  "The 5th percentile."
  lower: Float!
  "The 95th percentile."
  upper: Float!
  "The 90th percentile. Use it for capacity planning."
  p90: Float!
  model: String!
  "Share of the forecasts with this horizon that were within 15%, from 0 to 1; null if none has been evaluated."
  recentAccuracy: Float
  "Minutes after the latest sample."
  horizonMinutes: Float!
}

"Progress of a batch job."
type BatchJobStatus {
  batchId: String!
  name: String!
  "pending, processing, completed, failed or cancelled"
  status: String!
  "0 to 100"
  progress: Float!
  totalItems: Int!
  processedItems: Int!
  failedItems: Int!
  ratePerSecond: Float!
  etaSeconds: Float
  "Milliseconds since 1970, like finishedAt."
  createdAt: Float!
  finishedAt: Float
}

"State and counters of a queue. Counters are Float, because Int is limited to 2,147,483,647."
type QueueStats {
  queue: String!
  pending: Int!
  queued: Int!
  processing: Int!
  retry: Int!
  deadLetters: Int!
  isPaused: Boolean!
  completed: Float!
  retried: Float!
  failed: Float!
  cancelled: Float!
  lost: Float!
  throughputPerSecond: Float!
  waitMs: TimeQuantiles!
  runMs: TimeQuantiles!
  "Share of attempts that failed and were retried, from 0 to 1."
  retryRate: Float!
  oldestTaskMs: Float!
  isStalled: Boolean!
}

type TimeQuantiles {
  p50: Float!
  p95: Float!
  p99: Float!
}

"Scales when a metric crosses a threshold."
type ScalingPolicy {
  id: ID!
  name: String!
  metric: String!
  threshold: Float!
  "up or down"
  scaleDirection: String!
  "Percentage of the workers."
  scaleAmount: Float!
  cooldownSeconds: Float!
  enabled: Boolean!
}

input ScalingPolicyInput {
  name: String!
  metric: String!
  threshold: Float!
  "up or down"
  scaleDirection: String!
  "Percentage of the workers."
  scaleAmount: Float = 25
  cooldownSeconds: Float = 300
}

"Items that are processed in batches."
type BatchJob {
  id: String!
  name: String!
  items: [JSON!]!
  batchSize: Int!
  "pending, processing, completed, failed or cancelled"
  status: String!
  "0 to 100"
  progress: Float!
  processedItems: Int!
  failedItems: Int!
  totalItems: Int!
}
`

const query = `type Query {
  performanceMetrics(hours: Int!): [PerformanceMetrics!]!
  cacheStats: CacheStats!
  clusterStatus: ClusterStatus!
  slowQueries(limit: Int = 20): [QueryAnalysis!]!
  scalingHistory(limit: Int = 50): [ScalingEvent!]!
  scalingRecommendations: [String!]!
  predictedLoad(metric: String!, minutesAhead: Int = 5): PredictionResult!
  batchJobStatus(jobId: String!): BatchJobStatus!
  queueStats(queueName: String = "default"): QueueStats!
}
`

const mutation = `type Mutation {
  clearCache(namespace: String): Boolean!
  warmCache(namespace: String!, data: JSON!): Int!
  invalidateCacheByPattern(pattern: String!): Int!
  triggerScaling(direction: String!, amount: Int!): Boolean!
  createScalingPolicy(policy: ScalingPolicyInput!): ScalingPolicy!
  submitBatchJob(name: String!, items: [JSON!]!, batchSize: Int): BatchJob!
  retryDeadLetterTask(taskId: String!): Boolean!
  cancelBatchJob(jobId: String!): Boolean!
}
`

/** Returns the schema as SDL. It extends root types that it does not define. */
export function typeDefs(defines: readonly DefinedName[]): string {
  const root = (name: DefinedName, text: string) => (defines.includes(name) ? text : `extend ${text}`)
  const json = defines.includes('JSON') ? '\nscalar JSON\n' : ''
  return `${json}${types}\n${root('Query', query)}\n${root('Mutation', mutation)}`
}
