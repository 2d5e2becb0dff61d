import Module from 'node:module'
import type { Sluice } from '@sluice/core'
import { attachedByApp } from './attached-clients.ts'
import { type HookedModule, hookModules } from './esm-hooks.ts'
import { guarded } from './guarded.ts'
import { patchBullmq, patchBullmqChild } from './patches/bullmq.ts'
import { cronClass, patchCroner } from './patches/croner.ts'
import { patchGraphql } from './patches/graphql.ts'
import { honoContextClass, patchHono } from './patches/hono.ts'
import { type ModuleCache, patchJest } from './patches/jest.ts'
import { patchKoaContext } from './patches/koa.ts'
import { kyselyClass, patchKysely } from './patches/kysely.ts'
import { libsqlFunction, patchLibsql } from './patches/libsql.ts'
import { MARIADB_EXPORTS, mariadbExport, patchMariadb } from './patches/mariadb.ts'
import { patchMysql } from './patches/mysql.ts'
import { patchMysql2 } from './patches/mysql2.ts'
import { NODE_CRON_EXPORTS, nodeCronExport, patchNodeCron } from './patches/node-cron.ts'
import { patchPgClient, patchPgPool } from './patches/pg.ts'
import { patchPgBoss, patchPgBossModule, pgBossClass } from './patches/pg-boss.ts'
import { patchPostgres, postgresQueryClass } from './patches/postgres.ts'
import {
  patchPrisma,
  patchPrismaEngine,
  prismaClientFunction,
  prismaEngineFunction,
} from './patches/prisma.ts'
import { patchConnectionManager } from './patches/sequelize.ts'
import { patchBetterSqlite3, patchNodeSqlite } from './patches/sqlite.ts'
import { patchSqlite3 } from './patches/sqlite3.ts'
import { patchTypeormDriver, patchTypeormRunner } from './patches/typeorm.ts'
import { attachedClients, clients, currentTest } from './process-state.ts'
import { flushRunReport } from './run-report.ts'
import { scopeRequests } from './scopes/http.ts'
import { endScopesOfScripts } from './scopes/script-scope.ts'
import { patchMakeKnex } from './seams/knex.ts'
import { mikroOrmClass, patchMikroOrm } from './seams/orms/mikro-orm.ts'
import { patchSequelize } from './seams/orms/sequelize.ts'
import { patchTypeorm } from './seams/orms/typeorm.ts'

/** Node loads CommonJS modules with it, also those that ES modules import. */
interface ModuleLoader {
  _load(request: string, parent: unknown, isMain: boolean): unknown
  _resolveFilename(request: string, parent: unknown, isMain: boolean): string
  readonly _cache: ModuleCache
}

/** A module of a client's package, and how it is patched. */
interface Seam {
  readonly client: string
  /** `false` for a package that opens or names scopes only. */
  readonly isClient?: false
  /** Matches the last part of a request for it. */
  readonly request: RegExp
  /** Below `node_modules`: a scoped package can have the same last part. */
  readonly file: RegExp
  /** Returns what replaces the exports of the module. */
  patch(exports: unknown, file: string): unknown
}

/**
 * The exports of a package itself must not be replaced: on Node 20 and 22, ES modules import the ones before.
 */
const SEAMS: readonly Seam[] = [
  {
    client: 'Jest',
    isClient: false,
    request: /(?:^|[\\/])jest-runtime(?:[\\/]build[\\/]index(?:\.js)?)?$/,
    file: /[\\/]node_modules[\\/]jest-runtime[\\/]build[\\/]index\.js$/,
    patch: (exports) => patchJest(exports, attachTo),
  },
  {
    client: 'GraphQL',
    isClient: false,
    request: /(?:^|[\\/])execute(?:\.js)?$/,
    file: /[\\/]node_modules[\\/]graphql[\\/]execution[\\/]execute\.js$/,
    patch: patchGraphql,
  },
  {
    client: 'Koa',
    isClient: false,
    request: /[\\/]context(?:\.js)?$/,
    file: /[\\/]node_modules[\\/]koa[\\/]lib[\\/]context\.js$/,
    patch: patchKoaContext,
  },
  {
    client: 'Hono',
    isClient: false,
    request: /[\\/]context(?:\.js)?$/,
    file: /[\\/]node_modules[\\/]hono[\\/]dist[\\/]cjs[\\/]context\.js$/,
    patch: patchHono,
  },
  {
    client: 'BullMQ',
    isClient: false,
    request: /(?:^|[\\/])worker(?:\.js)?$/,
    file: /[\\/]node_modules[\\/]bullmq[\\/]dist[\\/]cjs[\\/]classes[\\/]worker\.js$/,
    patch: patchBullmq,
  },
  {
    client: 'BullMQ',
    isClient: false,
    request: /[\\/]child-processor(?:\.js)?$/,
    file: /[\\/]node_modules[\\/]bullmq[\\/]dist[\\/]cjs[\\/]classes[\\/]child-processor\.js$/,
    patch: patchBullmqChild,
  },
  {
    client: 'pg-boss',
    isClient: false,
    request: /[\\/]manager(?:\.js)?$/,
    file: /[\\/]node_modules[\\/]pg-boss[\\/]src[\\/]manager\.js$/,
    patch: patchPgBoss,
  },
  {
    client: 'pg-boss',
    isClient: false,
    request: /(?:^|[\\/])pg-boss(?:[\\/]dist[\\/]index\.js)?$/,
    file: /[\\/]node_modules[\\/]pg-boss[\\/]dist[\\/]index\.js$/,
    patch: patchPgBossModule,
  },
  {
    client: 'croner',
    isClient: false,
    request: /(?:^|[\\/])croner(?:\.cjs)?$/,
    file: /[\\/]node_modules[\\/]croner[\\/]dist[\\/]croner\.cjs$/,
    patch: patchCroner,
  },
  {
    client: 'node-cron',
    isClient: false,
    request: /(?:^|[\\/])node-cron(?:\.c?js)?$/,
    file: /[\\/]node_modules[\\/]node-cron[\\/](?:dist|src)[\\/]node-cron\.c?js$/,
    patch: patchNodeCron,
  },
  {
    client: 'Knex',
    request: /(?:^|[\\/])make-knex(?:\.js)?$/,
    file: /[\\/]node_modules[\\/]knex[\\/]lib[\\/](?:knex-builder|util)[\\/]make-knex\.js$/,
    // Not the function itself: its module loads the core.
    patch: (exports) => patchMakeKnex(exports),
  },
  {
    client: 'pg',
    request: /(?:^|[\\/])pg-pool(?:[\\/]index\.js)?$/,
    file: /[\\/]node_modules[\\/]pg-pool[\\/]index\.js$/,
    patch: patchPgPool,
  },
  {
    client: 'pg',
    request: /(?:^|[\\/])pg(?:[\\/]lib(?:[\\/]index(?:\.js)?)?)?$/,
    file: /[\\/]node_modules[\\/]pg[\\/]lib[\\/]index\.js$/,
    patch: patchPgClient,
  },
  {
    client: 'postgres',
    request: /[\\/]query(?:\.js)?$/,
    file: /[\\/]node_modules[\\/]postgres[\\/]cjs[\\/]src[\\/]query\.js$/,
    patch: patchPostgres,
  },
  {
    client: 'mysql2',
    request: /(?:^|[\\/])(?:pool|connection|pool_connection|pool_cluster)(?:\.js)?$/,
    file: /[\\/]node_modules[\\/]mysql2[\\/]lib[\\/](?:(?:base|promise)[\\/])?(?:pool|connection|pool_connection|pool_cluster)\.js$/,
    patch: patchMysql2,
  },
  {
    client: 'mysql',
    request: /(?:^|[\\/])(?:Pool|Connection|PoolConnection)(?:\.js)?$/,
    file: /[\\/]node_modules[\\/]mysql[\\/]lib[\\/](?:Pool|Connection|PoolConnection)\.js$/,
    patch: patchMysql,
  },
  {
    client: 'mariadb',
    request: /(?:^|[\\/])mariadb(?:[\\/](?:dist[\\/])?(?:promise|callback)(?:\.c?js)?)?$/,
    file: /[\\/]node_modules[\\/]mariadb[\\/](?:dist[\\/])?(?:promise|callback)\.c?js$/,
    patch: patchMariadb,
  },
  {
    client: 'better-sqlite3',
    request: /(?:^|[\\/])better-sqlite3(?:[\\/]lib[\\/]index(?:\.js)?)?$/,
    file: /[\\/]node_modules[\\/]better-sqlite3[\\/]lib[\\/]index\.js$/,
    patch: patchBetterSqlite3,
  },
  {
    client: '@libsql/client',
    request: /(?:^|[\\/])@libsql[\\/]client(?:[\\/](?:lib-cjs[\\/])?(?:http|node|sqlite3|web|ws)(?:\.js)?)?$/,
    file: /[\\/]node_modules[\\/]@libsql[\\/]client[\\/]lib-cjs[\\/](?:http|node|sqlite3|web|ws)\.js$/,
    patch: patchLibsql,
  },
  {
    client: 'sqlite3',
    request: /(?:^|[\\/])sqlite3(?:[\\/]lib[\\/]sqlite3(?:\.js)?)?$/,
    file: /[\\/]node_modules[\\/]sqlite3[\\/]lib[\\/]sqlite3\.js$/,
    patch: patchSqlite3,
  },
  {
    client: 'TypeORM',
    request: /(?:^|[\\/])typeorm(?:[\\/]index(?:\.js)?)?$/,
    file: /[\\/]node_modules[\\/]typeorm[\\/]index\.js$/,
    patch: patchTypeorm,
  },
  {
    client: 'TypeORM',
    request: /(?:^|[\\/])(?:Postgres|Mysql)Driver(?:\.js)?$/,
    file: /[\\/]node_modules[\\/]typeorm[\\/]driver[\\/](?:postgres|mysql)[\\/](?:Postgres|Mysql)Driver\.js$/,
    patch: patchTypeormDriver,
  },
  {
    client: 'TypeORM',
    request: /(?:^|[\\/])\w+QueryRunner(?:\.js)?$/,
    file: /[\\/]node_modules[\\/]typeorm[\\/]driver[\\/][\w-]+[\\/]\w+QueryRunner\.js$/,
    patch: patchTypeormRunner,
  },
  {
    client: 'Sequelize',
    request: /(?:^|[\\/])connection-manager(?:\.js)?$/,
    file: /[\\/]node_modules[\\/]sequelize[\\/]lib[\\/]dialects[\\/]abstract[\\/]connection-manager\.js$/,
    patch: patchConnectionManager,
  },
  {
    client: 'Sequelize',
    request: /(?:^|[\\/])sequelize(?:[\\/]lib[\\/]index(?:\.js)?)?$/,
    file: /[\\/]node_modules[\\/]sequelize[\\/]lib[\\/]index\.js$/,
    patch: patchSequelize,
  },
  {
    client: 'MikroORM',
    request: /(?:^|[\\/])MikroORM(?:\.js)?$/,
    file: /[\\/]node_modules[\\/]@mikro-orm[\\/]core[\\/]MikroORM\.js$/,
    patch: patchMikroOrm,
  },
  {
    client: 'Kysely',
    request: /(?:^|[\\/])kysely(?:\.js)?$/,
    file: /[\\/]node_modules[\\/]kysely[\\/]dist[\\/](?:cjs[\\/])?(?:kysely|index)\.js$/,
    patch: patchKysely,
  },
  {
    client: 'Prisma',
    request: /(?:^|[\\/])runtime[\\/]client(?:\.js)?$/,
    file: /[\\/]node_modules[\\/]@prisma[\\/]client[\\/]runtime[\\/]client\.js$/,
    patch: patchPrisma,
  },
  {
    client: 'Prisma',
    isClient: false,
    request: /(?:^|[\\/])runtime[\\/](?:binary|library)(?:\.js)?$/,
    file: /[\\/]node_modules[\\/]@prisma[\\/]client[\\/]runtime[\\/](?:binary|library)\.js$/,
    patch: patchPrismaEngine,
  },
]

/** Modules that `Module._load` does not load. */
const HOOKED: readonly HookedModule[] = [
  {
    client: 'Hono',
    file: /\/node_modules\/hono\/dist\/context\.js$/,
    names: ['Context'],
    hasDefault: false,
    wrap: honoContextClass,
  },
  {
    client: 'MikroORM',
    file: /\/node_modules\/@mikro-orm\/core\/MikroORM\.js$/,
    names: ['MikroORM'],
    hasDefault: false,
    wrap: mikroOrmClass,
  },
  {
    client: 'postgres',
    file: /\/node_modules\/postgres\/src\/query\.js$/,
    names: ['Query'],
    hasDefault: false,
    wrap: postgresQueryClass,
  },
  {
    client: 'Kysely',
    file: /\/node_modules\/kysely\/dist\/(?:esm\/)?index\.js$/,
    names: ['Kysely'],
    hasDefault: false,
    wrap: kyselyClass,
  },
  {
    client: 'Prisma',
    file: /\/node_modules\/@prisma\/client\/runtime\/client\.js$/,
    names: ['getPrismaClient'],
    hasDefault: true,
    wrap: prismaClientFunction,
  },
  {
    client: 'Prisma',
    file: /\/node_modules\/@prisma\/client\/runtime\/(?:binary|library)\.mjs$/,
    names: ['getPrismaClient'],
    hasDefault: false,
    wrap: prismaEngineFunction,
  },
  {
    client: '@libsql/client',
    file: /\/node_modules\/@libsql\/client\/lib-esm\/(?:http|node|sqlite3|web|ws)\.js$/,
    names: ['createClient'],
    hasDefault: false,
    wrap: libsqlFunction,
  },
  {
    client: 'pg-boss',
    // Since 12.
    file: /\/node_modules\/pg-boss\/dist\/index\.js$/,
    names: ['PgBoss'],
    hasDefault: false,
    wrap: pgBossClass,
  },
  {
    client: 'croner',
    file: /\/node_modules\/croner\/dist\/croner\.js$/,
    names: ['Cron'],
    hasDefault: false,
    wrap: cronClass,
  },
  {
    client: 'node-cron',
    // Since 4.
    file: /\/node_modules\/node-cron\/dist\/node-cron\.js$/,
    names: NODE_CRON_EXPORTS,
    hasDefault: true,
    wrap: nodeCronExport,
  },
  {
    client: 'mariadb',
    // Since 3.5.
    file: /\/node_modules\/mariadb\/(?:promise|callback)\.js$/,
    names: MARIADB_EXPORTS,
    hasDefault: false,
    wrap: mariadbExport,
  },
]

const patched = new WeakSet<object>()

/** Patches a module of a client, once. Returns its exports; `undefined` if the file is a different module. */
function patch(file: string, cache: ModuleCache): unknown {
  const seam = SEAMS.find((one) => one.file.test(file))
  const module = cache[file]
  if (seam === undefined || module === undefined || !module.loaded) return undefined
  if (!patched.has(module)) {
    patched.add(module)
    guarded(seam.client, () => {
      module.exports = seam.patch(module.exports, file)
      clients.areLoaded ||= seam.isClient !== false
    })
  }
  return module.exports
}

/**
 * A module was loaded. Returns what replaces its exports; `undefined`: nothing does.
 *
 * @param resolve - Returns its file.
 */
function attachTo(request: string, resolve: () => string, cache: ModuleCache): unknown {
  if (!SEAMS.some((one) => one.request.test(request))) return undefined
  // Also of an absolute path, which can be a folder or lead through a link.
  return guarded('modules', () => patch(resolve(), cache))
}

/** Attaches to each client whose package is loaded, from now on or before, and to the HTTP servers. */
export function attachToModules(): void {
  const loader = Module as unknown as ModuleLoader
  const { _cache: cache, _load: load } = loader
  loader._load = function sluiceLoad(this: unknown, request, parent, isMain) {
    const exports = load.call(this, request, parent, isMain)
    if (request === NODE_SQLITE) nodeSqliteLoaded(exports)
    return attachTo(request, () => loader._resolveFilename(request, parent, isMain), cache) ?? exports
  }
  // Modules of an earlier flag `--require`: Node runs all of them before any `--import`.
  for (const file of Object.keys(cache)) patch(file, cache)
  // The core, which calls it, is loaded later.
  Object.assign(globalThis, {
    [Symbol.for('sluice.clientListener')]: (sluice: Sluice, orm: string) =>
      void guarded('the Sluice of the app', () => attachedByApp(sluice, orm)),
  })
  // Also of another copy of this package, to which `--require` has attached the process.
  Object.assign(globalThis, {
    [Symbol.for('sluice.testListener')]: (name: string) => {
      currentTest.name = name
      if (attachedClients.size === 0) return
      guarded('tests', () => {
        endScopesOfScripts()
        flushRunReport()
      })
    },
  })
  guarded('ES modules', () => hookModules(HOOKED, [NODE_SQLITE]))
  guarded('HTTP servers', scopeRequests)
  guarded(NODE_SQLITE, watchBuiltinModules)
}

const NODE_SQLITE = 'node:sqlite'
let isNodeSqlitePatched = false

/** The app has loaded it: loading it takes time, and prints a warning. */
function nodeSqliteLoaded(exports: unknown): void {
  if (isNodeSqlitePatched) return
  isNodeSqlitePatched = true
  clients.areLoaded = true
  guarded(NODE_SQLITE, () => patchNodeSqlite(exports))
}

/** Since Node 22.3. Neither `Module._load` nor a hook sees it. */
function watchBuiltinModules(): void {
  const { getBuiltinModule } = process
  if (getBuiltinModule === undefined) return
  Object.assign(process, {
    getBuiltinModule(id: string) {
      const exports = getBuiltinModule(id)
      if (id === NODE_SQLITE && exports !== undefined) nodeSqliteLoaded(exports)
      return exports
    },
  })
}
