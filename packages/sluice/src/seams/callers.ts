import { adaptedOrms } from '../process-state.ts'

/** The ORMs above a driver, by their packages. */
const ORMS = {
  '@mikro-orm': 'MikroORM',
  '@prisma': 'Prisma',
  'drizzle-orm': 'Drizzle',
  knex: 'Knex',
  kysely: 'Kysely',
  'pg-promise': 'pg-promise',
  sequelize: 'Sequelize',
  typeorm: 'TypeORM',
} as const

export type Orm = (typeof ORMS)[keyof typeof ORMS]

const PACKAGE = /[\\/]node_modules[\\/](@?[^\\/]+)[\\/]/g
const DEPTH = 60

/**
 * The ORM that sends a statement now, by the files in the stack as they were loaded: source maps can lead out
 * of a package. Costs about a hundred microseconds.
 *
 * @param above - Only ORMs above this one count.
 * @returns `undefined` for a statement of the app itself.
 */
export function ormNow(above?: Orm): Orm | undefined {
  for (const file of filesInStack()) {
    const names = [...file.matchAll(PACKAGE)].map(([, name = '']) => name)
    const orm = ORMS[names.at(-1) as keyof typeof ORMS] as Orm | undefined
    if (orm !== undefined && orm !== above) return orm
  }
  return undefined
}

/**
 * Whether the statements of an ORM are seen above the driver: what it sends besides, such as a version check
 * of a new connection, does not come from the app.
 */
export function isCovered(orm: Orm | undefined): boolean {
  return orm !== undefined && adaptedOrms.has(orm)
}

function filesInStack(): readonly string[] {
  const { stackTraceLimit, prepareStackTrace } = Error
  const holder: { stack?: readonly string[] } = {}
  try {
    Error.stackTraceLimit = DEPTH
    Error.prepareStackTrace = (_, sites) => sites.map((site) => site.getFileName() ?? '')
    Error.captureStackTrace(holder, filesInStack)
    // It is formatted when it is first read.
    return Array.isArray(holder.stack) ? holder.stack : []
  } finally {
    Error.stackTraceLimit = stackTraceLimit
    Error.prepareStackTrace = prepareStackTrace
  }
}
