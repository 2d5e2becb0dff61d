import { truncate } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Connection,
  createPostgresqlIndex,
  type DatabaseSnapshot,
  type IndexSupposer,
  indexPages,
  PAGE_BYTES,
  type PostgresqlScratch,
  type SupposedIndex,
  type TableSnapshot,
} from '@sluice/core/database'
import { errorMessage } from '@sluice/core/siblings'
import { loadDriver } from '../connect/load-driver.ts'
import {
  attachPartition,
  createTable,
  fullName,
  missingTypes,
  parentsFirst,
  quote,
} from './scratch-schema.ts'
import { makeTemporaryFolder, removeTemporaryFolder } from './temporary-folder.ts'

/** The methods of PGlite that this file uses. */
interface Pglite {
  query(sql: string, params?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>
  exec(sql: string): Promise<unknown>
  close(): Promise<void>
}

/** Settings that affect the planner. */
const planning =
  /^(random_page_cost|seq_page_cost|cpu_|effective_cache_size|work_mem|enable_|jit|min_parallel|parallel_|max_parallel|from_collapse|join_collapse|hash_mem_multiplier)/

/**
 * Creates a PostgreSQL in this process (PGlite) with the schema, the statistics and the table sizes of
 * another database, but no rows. Its planner returns the plans of that database. Takes a few seconds and
 * about 800 MB.
 */
export async function createPgliteScratch(snapshot: DatabaseSnapshot): Promise<PostgresqlScratch> {
  const { PGlite } = await loadDriver('@electric-sql/pglite', () => import('@electric-sql/pglite'))
  const { pg_trgm } = await loadDriver(
    '@electric-sql/pglite/contrib/pg_trgm',
    () => import('@electric-sql/pglite/contrib/pg_trgm'),
  )
  const directory = makeTemporaryFolder('sluice-scratch-')
  let database: Pglite | undefined
  try {
    database = (await PGlite.create({ dataDir: directory, extensions: { pg_trgm } })) as unknown as Pglite
    const scratch = new Scratch(database, snapshot, new RelationFiles(directory))
    await scratch.build()
    return scratch.handle(() => remove(database, directory))
  } catch (error) {
    await remove(database, directory)
    throw error
  }
}

async function remove(database: Pglite | undefined, directory: string): Promise<void> {
  await database?.close().catch(() => {})
  removeTemporaryFolder(directory)
}

type RelationName = Pick<TableSnapshot, 'schema' | 'name'>

class Scratch implements IndexSupposer {
  readonly validation = 'scratch'
  readonly #gaps: string[] = []
  readonly #tables: readonly TableSnapshot[]
  #created = 0
  #hasTrigrams = false

  constructor(
    private readonly database: Pglite,
    private readonly snapshot: DatabaseSnapshot,
    private readonly files: RelationFiles,
  ) {
    this.#tables = parentsFirst(snapshot.tables.filter(({ kind }) => kind !== 'view'))
  }

  handle(close: () => Promise<void>): PostgresqlScratch {
    const session: Connection = {
      dialect: 'postgresql',
      query: async (sql, params = []) => (await this.database.query(sql, [...params])).rows,
      session: (work) => work(session),
    }
    return { session, supposer: this, gaps: this.#gaps, hasTrigrams: this.#hasTrigrams, close }
  }

  async build(): Promise<void> {
    for (const schema of new Set(this.snapshot.tables.map((table) => table.schema)))
      await this.database.exec(`CREATE SCHEMA IF NOT EXISTS ${quote(schema)}`)
    await this.database.exec(`SET search_path TO ${quote(this.snapshot.defaultSchema)}, public`)
    this.#hasTrigrams = await this.#attempt('CREATE EXTENSION pg_trgm SCHEMA public')
    for (const type of missingTypes(this.#tables)) await this.#attempt(`CREATE DOMAIN ${type} AS text`)
    for (const table of this.#tables) await this.#makeTable(table)
    await this.#makeViews()
    for (const [name, value] of Object.entries(this.snapshot.settings)) {
      if (planning.test(name))
        await this.#attempt(`SET ${name} = '${value.replaceAll("'", "''")}'`, `setting ${name}`)
    }
  }

  async suppose(
    { definition, share }: SupposedIndex,
    tables: readonly TableSnapshot[],
  ): Promise<readonly string[]> {
    const names: string[] = []
    for (const table of tables) {
      this.#created += 1
      const name = `sluice_supposed_${this.#created}`
      await this.#makeIndex(
        createPostgresqlIndex(definition, table, name),
        name,
        table,
        indexPages(definition, table, share),
        table.rows * share,
      )
      names.push(`${name}`)
    }
    return names
  }

  async forget(names: readonly string[]): Promise<void> {
    for (const name of names) {
      const [row] = (
        await this.database.query('SELECT schemaname AS s FROM pg_indexes WHERE indexname = $1', [name])
      ).rows
      await this.database.exec(`DROP INDEX IF EXISTS ${quote(String(row?.s))}.${quote(name)}`)
    }
  }

  async without<T>(names: readonly string[], plan: () => Promise<T>): Promise<T> {
    await this.database.exec('BEGIN')
    try {
      // The planner ignores invalid indexes.
      await this.database.query(
        `UPDATE pg_index SET indisvalid = false
          WHERE indexrelid IN (SELECT oid FROM pg_class WHERE relname = ANY($1::text[]))`,
        [names],
      )
      return await plan()
    } finally {
      await this.database.exec('ROLLBACK')
    }
  }

  async #makeTable(table: TableSnapshot): Promise<void> {
    if (!(await this.#attempt(createTable(table, this.snapshot), `table ${table.id}`))) return
    const attach = attachPartition(table, this.snapshot)
    // Before the file has the size of the table, because the rows are checked.
    if (attach !== undefined) await this.#attempt(attach, `partition ${table.id}`)
    // A partitioned table has no file, and its indexes are those of its partitions.
    if (table.partitionKey !== undefined) return this.#describeColumns(table, true)
    for (const index of table.indexes) {
      if (index.isPrimary || !index.isValid || index.definition === undefined) continue
      const name = `${table.schema}.${index.name}`
      // Only the planner uses the index, because the table has no rows.
      await this.#attempt(index.definition, `index ${name}`)
    }
    await this.#restore(table)
    await this.#describeColumns(table, false)
    for (const index of table.indexes) {
      const pages =
        index.bytes === undefined
          ? indexPages(index, table, 1)
          : Math.max(1, Math.ceil(index.bytes / PAGE_BYTES))
      await this.#attemptAsync(() =>
        this.#size({ schema: table.schema, name: index.name }, pages, table.rows),
      )
    }
    await this.#extend(table)
  }

  /** @param isInherited - Whether the statistics are those of all partitions. */
  async #describeColumns(table: TableSnapshot, isInherited: boolean): Promise<void> {
    for (const { name, statistics } of table.columns) {
      const raw = statistics?.raw
      if (raw === undefined) continue
      await this.#statistics(table, name, raw, isInherited)
    }
  }

  async #statistics(
    table: TableSnapshot,
    column: string,
    raw: Readonly<Record<string, unknown>>,
    isInherited: boolean,
  ): Promise<void> {
    const values = [
      raw.null_frac,
      raw.avg_width === null ? null : Math.round(Number(raw.avg_width)),
      raw.n_distinct,
      raw.most_common_vals,
      raw.most_common_freqs,
      raw.histogram_bounds,
      raw.correlation,
    ]
    await this.#attemptAsync(
      () =>
        this.database.query(
          `SELECT pg_restore_attribute_stats('schemaname', $1::text, 'relname', $2::text, 'attname', $3::text, 'inherited', $11::boolean,
            'null_frac', $4::real, 'avg_width', $5::integer, 'n_distinct', $6::real, 'most_common_vals', $7::text,
            'most_common_freqs', $8::real[], 'histogram_bounds', $9::text, 'correlation', $10::real)`,
          [table.schema, table.name, column, ...values, isInherited],
        ),
      `statistics of ${table.id}.${column}`,
    )
  }

  async #makeIndex(
    sql: string,
    name: string,
    table: TableSnapshot,
    pages: number,
    rows: number,
  ): Promise<void> {
    // CREATE INDEX reads the file of the table, so it must not be sparse, and sets the row count to 0.
    await this.files.resize(await this.#path(table), 0)
    try {
      await this.database.exec(sql)
    } finally {
      await this.#restore(table)
      await this.#extend(table)
    }
    await this.#size({ schema: table.schema, name }, pages, rows)
  }

  async #restore({ schema, name, pages = 0, visiblePages = 0, rows }: TableSnapshot): Promise<void> {
    await this.database.query(
      `SELECT pg_restore_relation_stats('schemaname', $1::text, 'relname', $2::text, 'relpages', $3::integer, 'reltuples', $4::real,
        'relallvisible', $5::integer)`,
      [schema, name, pages, Math.max(0, rows), visiblePages],
    )
  }

  async #extend(table: TableSnapshot): Promise<void> {
    await this.files.resize(await this.#path(table), table.pages ?? 0)
  }

  async #size({ schema, name }: RelationName, pages: number, rows: number): Promise<void> {
    await this.database.query(
      `SELECT pg_restore_relation_stats('schemaname', $1::text, 'relname', $2::text, 'relpages', $3::integer, 'reltuples', $4::real)`,
      [schema, name, pages, Math.max(0, rows)],
    )
    await this.files.resize(await this.#path({ schema, name }), pages)
  }

  async #path(relation: RelationName): Promise<string> {
    const [row] = (
      await this.database.query('SELECT pg_relation_filepath($1::regclass) AS path', [fullName(relation)])
    ).rows
    return String(row?.path)
  }

  /** Views can depend on each other, so failed ones are retried after the others. */
  async #makeViews(): Promise<void> {
    let left = this.snapshot.tables.filter(
      ({ kind, definition }) => kind === 'view' && definition !== undefined,
    )
    while (left.length > 0) {
      const failed: TableSnapshot[] = []
      for (const view of left) {
        const isCreated = await this.#attempt(`CREATE VIEW ${fullName(view)} AS ${view.definition}`)
        if (!isCreated) failed.push(view)
      }
      if (failed.length === left.length) {
        this.#gaps.push(...failed.map(({ id }) => `view ${id}`))
        return
      }
      left = failed
    }
  }

  #attempt(sql: string, what?: string): Promise<boolean> {
    return this.#attemptAsync(() => this.database.exec(sql), what)
  }

  async #attemptAsync(act: () => Promise<unknown>, what?: string): Promise<boolean> {
    try {
      await act()
      return true
    } catch (error) {
      if (what !== undefined) this.#gaps.push(`${what}: ${errorMessage(error)}`)
      return false
    }
  }
}

/**
 * Sets the file sizes of relations in a scratch database, because PostgreSQL's planner derives the table size
 * from the file. A sparse file uses no disk space, and EXPLAIN never reads it.
 */
class RelationFiles {
  constructor(private readonly directory: string) {}

  /** @param path - Result of `pg_relation_filepath`. */
  resize(path: string, pages: number): Promise<void> {
    return truncate(join(this.directory, path), pages * PAGE_BYTES)
  }
}
