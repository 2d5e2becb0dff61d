/** The ORMs that workers use on one cache: two, or every one that Sluice optimizes on PostgreSQL. */
export const ORM_SETS = {
  two: ['prisma', 'knex'],
  all: ['prisma', 'knex', 'kysely', 'drizzle'],
} as const
export type OrmSet = keyof typeof ORM_SETS
export type OrmName = (typeof ORM_SETS)['all'][number]

/** @throws Error when the text names no set. */
export function parseOrms(text: string): OrmSet {
  if (text === 'two' || text === 'all') return text
  throw new Error(`Expected the ORMs to be "two" or "all", got "${text}".`)
}
