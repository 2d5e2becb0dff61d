import { columnsOf } from '../advisor/index-coverage.ts'
import type { ColumnSnapshot, DatabaseSnapshot, TableSnapshot } from '../inspectors/database-snapshot.ts'
import { formatCount, shownName } from '../names.ts'
import { mysqlPartitioning, type Period, periods, postgresPartitioning } from './partition-ddl.ts'

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
