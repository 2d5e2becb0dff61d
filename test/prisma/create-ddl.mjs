import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import * as bindings from '@prisma/schema-engine-wasm/schema_engine_bg'

/** The package's own entry imports WebAssembly as a module, which Node 20 only supports with a flag. */
async function loadEngine() {
  const folder = dirname(
    createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg'),
  )
  const wasm = readFileSync(join(folder, 'schema_engine_bg.wasm'))
  const { instance } = await WebAssembly.instantiate(wasm, { './schema_engine_bg.js': bindings })
  bindings.__wbg_set_wasm(instance.exports)
  instance.exports.__wbindgen_start()
  return bindings.SchemaEngine
}

/** Prisma's schema engine, once per process: loading it again breaks the earlier instance. */
export const engine = loadEngine()

/**
 * Like the result of Prisma's `bindAdapter`, for a database that receives no queries: each result is `{ ok,
 * value }`.
 */
function offlineAdapter(provider) {
  const ok = (value) => ({ ok: true, value, map: (fn) => ok(fn(value)), flatMap: (fn) => fn(value) })
  const about = { provider, adapterName: 'offline', errorRegistry: { consumeError: () => undefined } }
  const connection = {
    ...about,
    getConnectionInfo: () => ok({ supportsRelationJoins: false }),
    queryRaw: async () => ok({ columnNames: [], columnTypes: [], rows: [] }),
    executeRaw: async () => ok(0),
    executeScript: async () => ok(undefined),
    dispose: async () => ok(undefined),
  }
  const connect = async () => ok(connection)
  return { ...about, connect, connectToShadowDb: connect }
}

/** The wasm engine does not support MySQL, whose tables differ from those of PostgreSQL only in wording. */
const MYSQL_WORDS = [
  [/-- CreateSchema\nCREATE SCHEMA [^;]*;\n/g, ''],
  [/"/g, '`'],
  [/CONSTRAINT `(\w+)_AB_pkey` PRIMARY KEY/g, 'UNIQUE INDEX `$1_AB_unique`'],
  [/\bSERIAL\b/g, 'INTEGER AUTO_INCREMENT'],
  [/\bTEXT\b/g, 'VARCHAR(191)'],
  [/\bTIMESTAMP\(3\)/g, 'DATETIME(3)'],
  [/\bCURRENT_TIMESTAMP\b/g, 'CURRENT_TIMESTAMP(3)'],
  [/\bBYTEA\b/g, 'LONGBLOB'],
  [/\bDOUBLE PRECISION\b/g, 'DOUBLE'],
]

/**
 * The statements that create the tables of a Prisma schema (`{ path, content }`) in an empty database. Sends
 * no queries.
 */
export async function createDdl(provider, schema) {
  if (provider === 'sqlite') return diffFromEmpty('sqlite', schema)
  const content = schema.content.replace(/provider = "mysql"/, 'provider = "postgresql"')
  const ddl = await diffFromEmpty('postgres', { ...schema, content })
  return provider === 'mysql' ? MYSQL_WORDS.reduce((text, [from, to]) => text.replace(from, to), ddl) : ddl
}

async function diffFromEmpty(adapterProvider, { path, content }) {
  const SchemaEngine = await engine
  const instance = await SchemaEngine.new(
    { datamodels: [[path, content]] },
    () => {},
    offlineAdapter(adapterProvider),
  )
  try {
    const { stdout } = await instance.diff({
      from: { tag: 'empty' },
      to: { tag: 'schemaDatamodel', files: [{ path, content }] },
      script: true,
      exitCode: null,
      shadowDatabaseUrl: null,
      filters: { externalTables: [], externalEnums: [] },
    })
    return stdout
  } finally {
    instance.free()
  }
}
