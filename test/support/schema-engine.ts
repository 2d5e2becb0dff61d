import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3'
import { PrismaPg } from '@prisma/adapter-pg'
import { type Engine, engine as engineOfPrisma } from '../prisma/create-ddl.mjs'
import type { Database } from './database.ts'

/** Prisma's schema engine, which `prisma migrate` uses, on a database of the tests: PostgreSQL or SQLite. */
export interface SchemaEngine {
  /** The statements that would bring the database to the schema. Empty if there is no difference. */
  difference(schema: string): Promise<string>
  /** The statements that would create the schema in an empty database. */
  create(schema: string): Promise<string>
  /** Applies migrations like `prisma migrate deploy`, by their names. */
  deploy(
    schema: string,
    migrations: readonly { readonly name: string; readonly sql: string }[],
  ): Promise<void>
}

/**
 * The part of an adapter's connection that is used here. The engine leaves its connections open, which locks
 * a SQLite database.
 */
interface Connection {
  dispose(): Promise<void>
}

const filters = { externalTables: [], externalEnums: [] }
const path = 'schema.prisma'

export function schemaEngine(database: Pick<Database, 'dialect' | 'url'>): SchemaEngine {
  const diff = (schema: string, from: unknown) =>
    withEngine(database, schema, async (engine) => {
      const to = { tag: 'schemaDatamodel', files: [{ path, content: schema }] }
      const { stdout } = await engine.diff({
        from,
        to,
        script: true,
        exitCode: null,
        shadowDatabaseUrl: null,
        filters,
      })
      return stdout.replace('-- This is an empty migration.', '').trim()
    })
  return {
    difference: (schema) =>
      diff(schema, { tag: 'schemaDatasource', files: [{ path, content: schema }], configDir: '/' }),
    create: (schema) => diff(schema, { tag: 'empty' }),
    deploy: (schema, migrations) =>
      withEngine(database, schema, async (engine) => {
        const migrationDirectories = migrations.map(({ name, sql }) => ({
          path: name,
          migrationFile: { path: 'migration.sql', content: { tag: 'ok', value: sql } },
        }))
        const lockfile = { path: 'migration_lock.toml', content: `provider = "${database.dialect}"\n` }
        await engine.applyMigrations({
          migrationsList: { baseDir: '/migrations', lockfile, shadowDbInitScript: '', migrationDirectories },
          filters,
        })
      }),
  }
}

async function withEngine<T>(
  { dialect, url }: Pick<Database, 'dialect' | 'url'>,
  schema: string,
  work: (engine: Engine) => Promise<T>,
): Promise<T> {
  const SchemaEngine = await engineOfPrisma
  const factory =
    dialect === 'sqlite' ? new PrismaBetterSqlite3({ url }) : new PrismaPg({ connectionString: url })
  const connections: Connection[] = []
  const engine = await SchemaEngine.new(
    { datamodels: [[path, schema]] },
    () => undefined,
    bind(factory, connections),
  )
  try {
    return await work(engine)
  } finally {
    engine.free()
    for (const connection of connections) await connection.dispose()
  }
}

type Answer = {
  readonly ok: true
  readonly value: unknown
  map(fn: (value: unknown) => unknown): Answer
  flatMap(fn: (value: unknown) => unknown): unknown
}

function ok(value: unknown): Answer {
  return { ok: true, value, map: (fn) => ok(fn(value)), flatMap: (fn) => fn(value) }
}

/**
 * Like Prisma's binding of an adapter for the engine: every result reports success, since a failure rejects
 * here.
 */
function bind(target: object, connections: Connection[]): unknown {
  return new Proxy(target, {
    get(_, name) {
      if (name === 'errorRegistry') return { consumeError: () => undefined }
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      return (...args: unknown[]) => {
        const made: unknown = member.apply(target, name === 'queryRaw' ? args.map(portable) : args)
        if (!(made instanceof Promise)) return ok(made)
        return made.then((value) => {
          if (!isConnection(value))
            return ok(name === 'queryRaw' ? withCharacters(value as ResultSet) : value)
          connections.push(value)
          return ok(bind(value, connections))
        })
      }
    },
  })
}

interface ResultSet {
  readonly columnNames: readonly string[]
  readonly columnTypes: readonly number[]
}

/** Prisma's `ColumnTypeEnum.Character`. */
const CHARACTER = 6

/**
 * Declares as characters what `portable` casts to text: the engine cannot read the type of a constraint
 * otherwise. Since PostgreSQL 18, each NOT NULL is a constraint.
 */
function withCharacters(result: ResultSet): ResultSet {
  const at = result.columnNames.indexOf('constraint_type')
  return at < 0 ? result : { ...result, columnTypes: result.columnTypes.with(at, CHARACTER) }
}

function isConnection(value: unknown): value is Connection {
  return typeof value === 'object' && value !== null && 'queryRaw' in value
}

/**
 * The engine queries PostgreSQL for a type that its adapter does not know, and SQLite in a way that this
 * build of it rejects.
 */
function portable(query: unknown): unknown {
  const { sql, ...rest } = query as { readonly sql: string }
  const known = sql
    .replace(/constr\.contype AS/g, 'constr.contype::text AS')
    .replace(/con1\.(confdeltype|confupdtype)/g, 'con1.$1::text')
    .replace(/name = "(\w+)"/g, "name = '$1'")
  return { ...rest, sql: known }
}
