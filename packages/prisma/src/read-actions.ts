/** The actions of a model that read: what may be cached, and takes a `cache` argument. */
const READ_ACTIONS = [
  'findUnique',
  'findUniqueOrThrow',
  'findFirst',
  'findFirstOrThrow',
  'findMany',
  'count',
  'aggregate',
  'groupBy',
] as const

export type ReadAction = (typeof READ_ACTIONS)[number]

const actions: ReadonlySet<string> = new Set(READ_ACTIONS)

export function isRead(action: string): action is ReadAction {
  return actions.has(action)
}
