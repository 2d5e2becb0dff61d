/** What a schema takes for granted that its app has; each may be defined here instead. */
export type DefinedName = 'Query' | 'Mutation' | 'JSON'

const types = `
type PerformanceMetrics { timestamp: Int! cpu: Float! memory: Float! disk: Float! responseTime: Float! errorRate: Float! requestsPerSecond: Int! }
type CacheStats { hits: Int! misses: Int! hitRate: Float! itemCount: Int! usedMemory: Int! totalMemory: Int! }
type ClusterStatus { healthyNodes: Int! unhealthyNodes: Int! averageLoad: Float! totalCapacity: Int! }

"What is to be said of the statements of one shape. Times are in milliseconds; -1 is not known."
type QueryAnalysis {
  query: String!
  "The same for statements that differ in values only."
  fingerprint: String!
  "Of one execution; the mean of several."
  executionTime: Float!
  rowsScanned: Float!
  rowsReturned: Float!
  scanRatio: Float!
  fullTableScan: Boolean!
  "Whether fullTableScan is concluded from numbers and text: no plan was asked for."
  isInferred: Boolean!
  indexesUsed: [String!]!
  warnings: [String!]!
  recommendations: [String!]!
  "low, medium, high or critical"
  severity: String!
  "Where it is most often called from."
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

"A decision to scale."
type ScalingEvent {
  "Seconds since 1970."
  timestamp: Int!
  "up or down"
  direction: String!
  from: Int!
  to: Int!
  metric: String!
  value: Float
  reasons: [String!]!
  "load, policy or manual"
  source: String!
  by: String
  "Whether there is no target that would carry it out."
  isDryRun: Boolean!
}

"What a metric will be."
type PredictionResult {
  value: Float!
  "The 5th percentile."
  lower: Float!
  "The 95th percentile."
  upper: Float!
  "The 90th percentile: what to be ready for."
  p90: Float!
  model: String!
  "The share of forecasts this far ahead that were within 15 %, from 0 to 1; null while none has been checked."
  recentAccuracy: Float
  "After the latest sample."
  horizonMinutes: Float!
}

"How far a batch is."
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
  "Milliseconds since 1970, as finishedAt."
  createdAt: Float!
  finishedAt: Float
}

"What a queue has to do and has done. Counts that only grow are Float: an Int ends at 2,147,483,647."
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
  "The share of attempts that failed and were tried again, from 0 to 1."
  retryRate: Float!
  oldestTaskMs: Float!
  isStalled: Boolean!
}

type TimeQuantiles {
  p50: Float!
  p95: Float!
  p99: Float!
}

"Scales by a threshold of a metric."
type ScalingPolicy {
  id: ID!
  name: String!
  metric: String!
  threshold: Float!
  "up or down"
  scaleDirection: String!
  "In percent of the workers."
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
  "In percent of the workers."
  scaleAmount: Float = 25
  cooldownSeconds: Float = 300
}

"Many items, cut into tasks."
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

/** The schema as SDL; root types that it does not define are extended. */
export function typeDefs(defines: readonly DefinedName[]): string {
  const root = (name: DefinedName, text: string) => (defines.includes(name) ? text : `extend ${text}`)
  const json = defines.includes('JSON') ? '\nscalar JSON\n' : ''
  return `${json}${types}\n${root('Query', query)}\n${root('Mutation', mutation)}`
}
