import type { ReferentialAction } from '../../schema/catalog-data.ts'
import { quoteName } from '../../sql/dialect.ts'
import { columnsOf } from '../advisor/index-coverage.ts'
import { createIndexSql } from '../fixes/index-statements.ts'
import { indexBodySql } from '../index-definition.ts'
import type { ColumnSnapshot, DatabaseSnapshot, TableSnapshot } from '../inspectors/database-snapshot.ts'
import { formatCount, literal, quotedTable, shownName } from '../names.ts'

const MIN_ROWS = 1_000_000
const BY_QUARTER = ['createdAt', 'created_at']
const BY_TIME = ['timestamp']
const YEAR_MS = 365.25 * 24 * 3600 * 1000
const CREATED_EARLY_MS = YEAR_MS / 4

/** How tables of more than a million rows could be cut by time; the largest first. */
export function partitionRecommendations(snapshot: DatabaseSnapshot): PartitionRecommendation[] {
  const large = snapshot.tables.filter(({ kind, rows }) => kind === 'table' && rows > MIN_ROWS)
  return large.sort((a, b) => b.rows - a.rows).flatMap((table) => recommend(snapshot, table) ?? [])
}

function recommend(snapshot: DatabaseSnapshot, table: TableSnapshot): PartitionRecommendation | undefined {
  const quarterly = columnNamed(table, BY_QUARTER)
  const column = quarterly ?? columnNamed(table, BY_TIME)
  if (column === undefined) return undefined
  const name = shownName(table, snapshot)
  const size = `${name} has ${formatCount(table.rows)} rows`
  if (snapshot.dialect === 'sqlite') {
    const reason = `${size}, and SQLite has no partitions. Use an index that begins with ${column.name}, and move old rows to a separate table or an attached file.`
    return {
      table: name,
      rowCount: table.rows,
      column: undefined,
      strategy: 'none',
      reason,
      ddl: [],
      breaks: [],
    }
  }
  const strategy = quarterly === undefined ? 'time-range' : 'quarter'
  const cut = periodsOf(snapshot, column, strategy === 'quarter' ? 3 : 1)
  const plan = { snapshot, table, column, periods: cut }
  return {
    table: name,
    rowCount: table.rows,
    column: column.name,
    strategy,
    reason: `${size}. If you partition it by ${strategy === 'quarter' ? 'quarter' : 'month'} of ${column.name}, queries for a time range read only its partitions, and old rows are dropped quickly instead of deleted one by one.`,
    ddl: snapshot.dialect === 'mysql' ? mysqlPartitioning(plan) : postgresPartitioning(plan),
    breaks: breaksOf(snapshot, table, column),
  }
}

/** The same for a table of which nothing is known but its size, and columns by name. */
export function partitioningOfUnknown(
  table: string,
  rows: number,
  columns: readonly string[],
): PartitionRecommendation | undefined {
  const isNamed = (names: readonly string[]) => columns.find((column) => names.includes(column))
  const quarterly = isNamed(BY_QUARTER)
  const column = quarterly ?? isNamed(BY_TIME)
  if (rows <= MIN_ROWS || column === undefined) return undefined
  return {
    table,
    rowCount: rows,
    column,
    strategy: quarterly === undefined ? 'time-range' : 'quarter',
    reason: `${table} has ${formatCount(rows)} rows. Partition it by ${quarterly === undefined ? 'time' : 'quarter'} of ${column}. Inspect the database to see the SQL, and what breaks.`,
    ddl: [],
    breaks: [],
  }
}

function columnNamed({ columns }: TableSnapshot, names: readonly string[]): ColumnSnapshot | undefined {
  const found = names.flatMap(
    (name) => columns.find((column) => column.name.toLowerCase() === name.toLowerCase()) ?? [],
  )
  return found.find(({ type, databaseType }) => type === 'datetime' || /date|time/i.test(databaseType))
}

/** From the oldest row in the statistics, or 2 years ago, until 3 months ahead. */
function periodsOf(
  { takenAt }: DatabaseSnapshot,
  { statistics }: ColumnSnapshot,
  months: 1 | 3,
): readonly Period[] {
  const [lowest] = statistics?.bounds ?? []
  const oldest = typeof lowest === 'string' ? Date.parse(lowest) : Number.NaN
  return periods(
    Number.isNaN(oldest) ? takenAt - 2 * YEAR_MS : Math.min(oldest, takenAt),
    takenAt + CREATED_EARLY_MS,
    months,
  )
}

function breaksOf(snapshot: DatabaseSnapshot, table: TableSnapshot, column: ColumnSnapshot): string[] {
  const { dialect, foreignKeys } = snapshot
  const names = new Map(snapshot.tables.map((one) => [one.id, shownName(one, snapshot)]))
  const isMysql = dialect === 'mysql'
  const found: string[] = []
  for (const { table: holder, columns, references, referencedColumns } of foreignKeys) {
    if (references === table.id) {
      const why = isMysql
        ? 'nothing may refer to a partitioned table'
        : `(${referencedColumns.join(', ')}) is no longer a unique key without ${column.name}`
      found.push(
        `The foreign key ${names.get(holder) ?? holder} (${columns.join(', ')}) must be dropped: ${why}.`,
      )
    } else if (isMysql && holder === table.id) {
      found.push(
        `The foreign key (${columns.join(', ')}) to ${names.get(references) ?? references} must be dropped: a partitioned table cannot have one.`,
      )
    }
  }
  if (table.primaryKey.length > 0 && !table.primaryKey.includes(column.name)) {
    found.push(
      `The primary key becomes (${[...table.primaryKey, column.name].join(', ')}): ${table.primaryKey.join(', ')} alone is no longer guaranteed to be unique.`,
    )
  }
  for (const index of table.indexes) {
    if (!index.isUnique || index.isPrimary || index.keys.some((key) => key.column === column.name)) continue
    found.push(
      `${index.name} (${columnsOf(index).join(', ')}) cannot be unique without ${column.name}: the app must ensure it.`,
    )
  }
  if (column.nullable)
    found.push(`${column.name} can be null, but a column of the primary key cannot: fill it first.`)
  found.push(`Queries without a condition on ${column.name} read every partition.`)
  if (!isMysql) found.push(`ORMs do not create partitions: keep the statements in a separate migration.`)
  return found
}

/** How a large table could be cut by time. */
export interface PartitionRecommendation {
  readonly table: string
  readonly rowCount: number
  /** The column that determines the partition; `undefined` if the table cannot be partitioned. */
  readonly column: string | undefined
  readonly strategy: 'quarter' | 'time-range' | 'none'
  readonly reason: string
  /** SQL to run, in order. */
  readonly ddl: readonly string[]
  /** Features that stop working or must be changed. */
  readonly breaks: readonly string[]
}

interface PartitionPlan {
  readonly snapshot: DatabaseSnapshot
  readonly table: TableSnapshot
  readonly column: ColumnSnapshot
  readonly periods: readonly Period[]
}

const ACTIONS: Readonly<Record<ReferentialAction, string>> = {
  Cascade: 'CASCADE',
  Restrict: 'RESTRICT',
  NoAction: 'NO ACTION',
  SetNull: 'SET NULL',
  SetDefault: 'SET DEFAULT',
}

/**
 * A new table that is partitioned, the rows copied period by period, and the names exchanged at the end:
 * PostgreSQL cannot cut a table in place.
 */
function postgresPartitioning({ snapshot, table, column, periods }: PartitionPlan): string[] {
  const { dialect, foreignKeys, tables } = snapshot
  const place = (name: string) => quotedTable(snapshot, { schema: table.schema, name })
  const old = quotedTable(snapshot, table)
  const next = place(`${table.name}_partitioned`)
  const by = quoteName(column.name, dialect)
  const columns = table.columns
    .flatMap(({ name, isGenerated }) => (isGenerated === true ? [] : [quoteName(name, dialect)]))
    .join(', ')
  const copy = (condition: string) =>
    `INSERT INTO ${next} (${columns}) OVERRIDING SYSTEM VALUE SELECT ${columns} FROM ${old} WHERE ${condition};`
  const first = periods[0]?.start ?? ''
  const end = periods.at(-1)?.end ?? ''
  const key = [...table.primaryKey, ...(table.primaryKey.includes(column.name) ? [] : [column.name])].map(
    (name) => quoteName(name, dialect),
  )
  const indexes = table.indexes.filter(({ isPrimary, isValid }) => !isPrimary && isValid)
  return [
    `CREATE TABLE ${next} (LIKE ${old} INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING IDENTITY INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMMENTS) PARTITION BY RANGE (${by});`,
    ...(table.primaryKey.length === 0 ? [] : [`ALTER TABLE ${next} ADD PRIMARY KEY (${key.join(', ')});`]),
    `CREATE TABLE ${place(`${table.name}_before`)} PARTITION OF ${next} FOR VALUES FROM (MINVALUE) TO ('${first}');`,
    ...periods.map(
      ({ name, start, end: until }) =>
        `CREATE TABLE ${place(`${table.name}_${name}`)} PARTITION OF ${next} FOR VALUES FROM ('${start}') TO ('${until}');`,
    ),
    `CREATE TABLE ${place(`${table.name}_later`)} PARTITION OF ${next} DEFAULT;`,
    `-- Run one at a time, while the app continues to write to ${old}:`,
    copy(`${by} < '${first}'`),
    ...periods.map(({ start, end: until }) => copy(`${by} >= '${start}' AND ${by} < '${until}'`)),
    copy(`${by} >= '${end}' OR ${by} IS NULL`),
    ...indexes.map((index) => {
      const isUnique = index.isUnique && index.keys.some((one) => one.column === column.name)
      const sql = createIndexSql(
        snapshot,
        { schema: table.schema, name: `${table.name}_partitioned` },
        { ...index, isUnique },
        `${index.name}_p`,
      )
      // An index over all partitions cannot be created concurrently; the new table is not in use yet.
      return sql.replace('INDEX CONCURRENTLY', 'INDEX')
    }),
    ...foreignKeys.flatMap((one) => {
      const target = tables.find(({ id }) => id === one.references)
      if (one.table !== table.id || target === undefined) return []
      const list = (names: readonly string[]) => names.map((name) => quoteName(name, dialect)).join(', ')
      const actions = `ON DELETE ${ACTIONS[one.onDelete]} ON UPDATE ${ACTIONS[one.onUpdate]}`
      const references = `${quotedTable(snapshot, target)} (${list(one.referencedColumns)})`
      return [
        `ALTER TABLE ${next} ADD FOREIGN KEY (${list(one.columns)}) REFERENCES ${references} ${actions};`,
      ]
    }),
    `ANALYZE ${next};`,
    `-- Copy the rows that were written meanwhile, and exchange the names, while writes are blocked:`,
    'BEGIN;',
    `LOCK TABLE ${old} IN ACCESS EXCLUSIVE MODE;`,
    ...catchUp({
      old,
      next,
      columns,
      key: table.primaryKey.map((name) => quoteName(name, dialect)),
      names: table.columns,
      dialect,
    }),
    ...table.columns
      .filter(({ name, type }) => type === 'integer' && table.primaryKey.includes(name))
      .map(({ name }) => {
        // Identity columns continue at the old table's value; for other columns, this has no effect.
        return `SELECT setval(pg_get_serial_sequence(${literal(next)}, ${literal(name)}), max(${quoteName(name, dialect)})) FROM ${next};`
      }),
    `ALTER TABLE ${old} RENAME TO ${quoteName(`${table.name}_unpartitioned`, dialect)};`,
    `ALTER TABLE ${next} RENAME TO ${quoteName(table.name, dialect)};`,
    'COMMIT;',
    `-- After you have checked everything. First move the sequence of a serial column to the new table (ALTER SEQUENCE … OWNED BY …):`,
    `DROP TABLE ${place(`${table.name}_unpartitioned`)};`,
  ]
}

interface CatchUp {
  readonly old: string
  readonly next: string
  readonly columns: string
  readonly key: readonly string[]
  readonly names: readonly ColumnSnapshot[]
  readonly dialect: DatabaseSnapshot['dialect']
}

/** Deletes what differs or is gone, and inserts what is missing. */
function catchUp({ old, next, columns, key, names, dialect }: CatchUp): string[] {
  if (key.length === 0)
    return ['-- Without a primary key, the app must identify the rows that were written meanwhile.']
  // JSON values cannot be compared; their strings can.
  const value = (side: string, { name, databaseType }: ColumnSnapshot) =>
    `${side}.${quoteName(name, dialect)}${/^json$/i.test(databaseType) ? '::text' : ''}`
  // For columns that cannot be null, `=` is equivalent, and lets the planner join by the key: with IS NOT
  // DISTINCT FROM alone, each row is compared with each.
  const equals = ({ name, nullable }: ColumnSnapshot) =>
    nullable && !key.includes(quoteName(name, dialect)) ? 'IS NOT DISTINCT FROM' : '='
  const same = names.map((one) => `${value('o', one)} ${equals(one)} ${value('n', one)}`).join(' AND ')
  const byKey = key.map((name) => `o.${name} = n.${name}`).join(' AND ')
  return [
    `DELETE FROM ${next} n WHERE NOT EXISTS (SELECT 1 FROM ${old} o WHERE ${same});`,
    `INSERT INTO ${next} (${columns}) OVERRIDING SYSTEM VALUE SELECT ${columns} FROM ${old} o WHERE NOT EXISTS (SELECT 1 FROM ${next} n WHERE ${byKey});`,
  ]
}

/** One ALTER TABLE that rebuilds the table, after the keys have got the column. */
function mysqlPartitioning({ snapshot, table, column, periods }: PartitionPlan): string[] {
  const { dialect, foreignKeys } = snapshot
  const name = quotedTable(snapshot, table)
  const by = quoteName(column.name, dialect)
  const quotedColumns = (columns: readonly string[]) =>
    columns.map((one) => quoteName(one, dialect)).join(', ')
  // RANGE COLUMNS takes every type of time but this one.
  const isTimestamp = /^timestamp/i.test(column.databaseType)
  const before = (day: string) => (isTimestamp ? `UNIX_TIMESTAMP('${day} 00:00:00')` : `'${day}'`)
  const range = isTimestamp ? `RANGE (UNIX_TIMESTAMP(${by}))` : `RANGE COLUMNS (${by})`
  const parts = periods.map(({ name: part, end }) => `PARTITION p${part} VALUES LESS THAN (${before(end)})`)
  const changes: string[] = []
  if (table.primaryKey.length > 0 && !table.primaryKey.includes(column.name)) {
    changes.push('DROP PRIMARY KEY', `ADD PRIMARY KEY (${quotedColumns([...table.primaryKey, column.name])})`)
  }
  for (const index of table.indexes) {
    if (!index.isUnique || index.isPrimary || index.keys.some((key) => key.column === column.name)) continue
    changes.push(
      `DROP INDEX ${quoteName(index.name, dialect)}`,
      `ADD INDEX ${quoteName(index.name, dialect)} ${indexBodySql(index, dialect)}`,
    )
  }
  const tied = foreignKeys.some((key) => key.table === table.id || key.references === table.id)
  return [
    ...(tied ? [`-- First, each foreign key of ${name} and to it: ALTER TABLE … DROP FOREIGN KEY …;`] : []),
    ...(column.nullable ? [`ALTER TABLE ${name} MODIFY ${by} ${column.databaseType} NOT NULL;`] : []),
    ...(changes.length === 0 ? [] : [`ALTER TABLE ${name} ${changes.join(', ')};`]),
    `ALTER TABLE ${name} PARTITION BY ${range} (${[...parts, 'PARTITION pmax VALUES LESS THAN (MAXVALUE)'].join(', ')});`,
  ]
}

/** A stretch of time; `end` is the first moment after it. */
interface Period {
  /** `2026q1`, `2026m01`. */
  readonly name: string
  readonly start: string
  readonly end: string
}

/** Maximum number of periods; older rows go into the first one. */
const MAX_PERIODS = 40

/**
 * The quarters, or months, from one time to another, both included, in UTC.
 *
 * @param from - Milliseconds since 1970, as `to`.
 */
export function periods(from: number, to: number, months: 1 | 3): readonly Period[] {
  const last = Math.floor(monthOf(to) / months)
  const first = Math.max(Math.floor(monthOf(from) / months), last - MAX_PERIODS + 1)
  return Array.from({ length: last - first + 1 }, (_, at) => {
    const start = (first + at) * months
    const year = Math.floor(start / 12)
    const month = (start % 12) + 1
    const name =
      months === 3 ? `${year}q${Math.ceil(month / 3)}` : `${year}m${String(month).padStart(2, '0')}`
    return { name, start: dayOf(start), end: dayOf(start + months) }
  })
}

function monthOf(time: number): number {
  const date = new Date(time)
  return date.getUTCFullYear() * 12 + date.getUTCMonth()
}

function dayOf(month: number): string {
  return `${Math.floor(month / 12)}-${String((month % 12) + 1).padStart(2, '0')}-01`
}
