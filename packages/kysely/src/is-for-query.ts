/**
 * Whether Kysely requests a connection for one query that it did not compile right before: `executeQuery`.
 * Call it synchronously when the connection is requested. If the names of Kysely's methods are not in the
 * stack, the connection counts as reserved.
 */
export function isForQuery(): boolean {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 10
  const { stack = '' } = new Error()
  Error.stackTraceLimit = stackTraceLimit
  const frames = stack.split('\n')
  const provides = frames.findLastIndex((frame) => frame.includes('provideConnection'))
  return provides >= 0 && frames[provides + 1]?.includes('executeQuery') === true
}
