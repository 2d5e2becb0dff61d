import type { ReferentialAction } from '../../schema/catalog-data.ts'
import { quoteName } from '../../sql/dialect.ts'
import { createIndexSql } from '../fixes/index-statements.ts'
import { indexBodySql } from '../index-definition.ts'
import type { ColumnSnapshot, DatabaseSnapshot, TableSnapshot } from '../inspectors/database-snapshot.ts'
import { literal, quotedTable } from '../names.ts'

/** Plan for partitioning a table. */
export interface PartitionPlan {
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
export function postgresPartitioning({ snapshot, table, column, periods }: PartitionPlan): string[] {
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
export function mysqlPartitioning({ snapshot, table, column, periods }: PartitionPlan): string[] {
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
export interface Period {
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
