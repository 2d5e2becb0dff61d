import type { TableId } from '../../schema/catalog-data.ts'
import { analyzeSql } from '../../sql/analyze.ts'
import type { Advice } from '../advisor/advice.ts'
import { covers } from '../advisor/index-coverage.ts'
import { resolveWorkload } from '../advisor/resolve-workload.ts'
import { duplicateIndexes, missingForeignKeyIndexes, unusedIndexes } from '../advisor/schema-indexes.ts'
import type { StatementUse } from '../advisor/table-use.ts'
import { fragmentation } from '../checks/fragmentation.ts'
import { partitionRecommendations } from '../checks/partitions.ts'
import { poolRecommendations } from '../checks/pools.ts'
import { staleTables } from '../checks/statistics-problems.ts'
import type { SchemaChange } from '../fixes/schema-change.ts'
import { definitionOf, type IndexDefinition } from '../index-definition.ts'
import type { DatabaseSnapshot, TableSnapshot } from '../inspectors/database-snapshot.ts'
import { indexTitle, tableTitle } from '../names.ts'
import type { WorkloadEntry } from '../workload/workload-record.ts'
import type { DraftFinding } from './database-analysis.ts'

const LARGE_ROWS = 100_000

type NameOf = (index: IndexDefinition) => string

/**
 * Findings from the schema, its statistics and its sizes.
 *
 * @param nameOf - Names an index to create.
 */
export function schemaFindings(
  snapshot: DatabaseSnapshot,
  advice: Advice,
  workload: readonly WorkloadEntry[],
  nameOf: NameOf,
): DraftFinding[] {
  return [
    ...unneeded(snapshot, advice),
    ...foreignKeys(snapshot, advice, workload, nameOf),
    ...statistics(snapshot),
    ...upkeep(snapshot),
  ]
}

const NOTHING: Pick<DraftFinding, 'statements' | 'changes'> = { statements: [], changes: [] }

function unneeded(snapshot: DatabaseSnapshot, advice: Advice): DraftFinding[] {
  const duplicates = duplicateIndexes(snapshot).map(({ fix, reason, bytes, kind }): DraftFinding => {
    return {
      ...dropped('DUPLICATE_INDEX', kind === 'identical' ? 'medium' : 'low', fix, reason, bytes, snapshot),
      changes: [fix],
    }
  })
  // Indexes that a recommended index replaces are redundant when it exists.
  const superseded = snapshot.tables.flatMap(({ indexes }) =>
    indexes.flatMap((index): DraftFinding[] => {
      const advised = advice.indexes.find(({ definition }) => covers(definition, index))
      const isDroppable = !index.isPrimary && !index.isConstraint && !index.isUnique
      if (advised === undefined || !isDroppable) return []
      const change: SchemaChange = { kind: 'drop-index', index: definitionOf(index), name: index.name }
      const reason = `When ${indexTitle(advised.definition, snapshot)} exists, it serves every query that ${index.name} serves.`
      return [dropped('DUPLICATE_INDEX', 'low', change, reason, index.bytes, snapshot)]
    }),
  )
  const names = new Set(
    [...duplicates, ...superseded].flatMap(({ changes }) => changes.map(({ name }) => name)),
  )
  const unused = unusedIndexes(snapshot)
    .filter(({ fix }) => !names.has(fix.name))
    .map(({ fix, reason, bytes }): DraftFinding => {
      const isValid = snapshot.tables.every(({ indexes }) =>
        indexes.every((index) => index.name !== fix.name || index.isValid),
      )
      return {
        ...dropped(
          isValid ? 'UNUSED_INDEX' : 'INVALID_INDEX',
          isValid ? 'low' : 'medium',
          fix,
          reason,
          bytes,
          snapshot,
        ),
      }
    })
  return [...duplicates, ...superseded, ...unused]
}

function dropped(
  code: DraftFinding['code'],
  severity: DraftFinding['severity'],
  change: SchemaChange,
  reason: string,
  bytes: number | undefined,
  snapshot: DatabaseSnapshot,
): DraftFinding {
  const { index, name } = change
  return {
    code,
    identity: `${index.table}.${name}`,
    severity,
    title: `${name} on ${indexTitle(index, snapshot)}`,
    details: [reason],
    table: index.table,
    ...(bytes === undefined ? {} : { bytes }),
    statements: [],
    changes: [{ ...change, reason }],
  }
}

function foreignKeys(
  snapshot: DatabaseSnapshot,
  advice: Advice,
  workload: readonly WorkloadEntry[],
  nameOf: NameOf,
): DraftFinding[] {
  const deletedFrom = new Set(
    workload.flatMap(({ kind, sql }) => {
      const writes = kind === 'write' ? analyzeSql(sql, snapshot.dialect).statement.writes : []
      return writes.filter(({ how }) => how === 'delete').map(({ name }) => name.at(-1)?.toLowerCase() ?? '')
    }),
  )
  const { statements } = resolveWorkload(workload, snapshot)
  return missingForeignKeyIndexes(snapshot)
    .filter(({ fix }) => !advice.indexes.some(({ definition }) => covers(definition, fix.index)))
    .map(({ fix, reason, rows, references }): DraftFinding => {
      const severity = deletedFrom.has(references.split('.').at(-1)?.toLowerCase() ?? '')
        ? 'high'
        : rows >= LARGE_ROWS
          ? 'medium'
          : 'low'
      const columns = fix.index.keys.map(({ column }) => column)
      const searching = statements.filter(({ use }) => looksUpBy(use, fix.index.table, columns))
      return {
        code: 'MISSING_FOREIGN_KEY_INDEX',
        identity: `${fix.index.table}(${columns.join()})`,
        severity,
        title: indexTitle(fix.index, snapshot),
        details: [
          reason,
          searching.length === 0
            ? 'No statement of the workload uses it, so it is not validated.'
            : `${searching.length === 1 ? 'One statement' : `${searching.length} statements`} of the workload can use it, but would gain too little from it alone.`,
        ],
        table: fix.index.table,
        validation: 'none',
        statements: searching.map(({ entry: { fingerprint, calls, totalMs, callSites }, label }) => {
          return { fingerprint, label, calls, totalMs, callSites }
        }),
        changes: [{ ...fix, name: nameOf(fix.index), reason }],
      }
    })
}

/** Whether a statement finds rows of a table by the values of columns. */
function looksUpBy({ uses }: StatementUse, table: TableId, columns: readonly string[]): boolean {
  return uses.some((use) => {
    if (use.table.id !== table) return false
    return [use, ...use.alternatives.flat()].some(({ conditions, joins }) => {
      const equal = conditions.filter(
        ({ operator, negated }) => !negated && (operator === '=' || operator === 'in'),
      )
      const found = new Set([...equal, ...joins].map(({ column }) => column))
      return columns.every((column) => found.has(column))
    })
  })
}

function statistics(snapshot: DatabaseSnapshot): DraftFinding[] {
  const { neverAnalyzed, changed } = staleTables(snapshot)
  if (neverAnalyzed.length + changed.length === 0) return []
  if (snapshot.dialect === 'sqlite') {
    const details = [
      'SQLite plans without the distribution of values: run ANALYZE, or PRAGMA optimize when a connection is closed.',
    ]
    return [
      {
        code: 'STALE_STATISTICS',
        identity: 'sqlite',
        severity: 'low',
        title: [
          ...namesAfter('never analyzed', neverAnalyzed),
          ...namesAfter('changed since it was analyzed', changed),
        ].join('; '),
        details,
        ...NOTHING,
        sql: ['ANALYZE'],
      },
    ]
  }
  return snapshot.tables.flatMap((table) => {
    const isChanged = changed.includes(table)
    if (!isChanged && !neverAnalyzed.includes(table)) return []
    const title = tableTitle(table.id, snapshot)
    const why = isChanged
      ? `${table.changedSinceAnalyze ?? 0} rows changed since it was analyzed`
      : 'It was never analyzed'
    const details = [
      `${why}, so the planner guesses. If this happens again, lower autovacuum_analyze_scale_factor of this table.`,
    ]
    return {
      code: 'STALE_STATISTICS',
      identity: table.id,
      severity: 'medium',
      title,
      details,
      table: table.id,
      ...NOTHING,
      sql: [`ANALYZE ${title}`],
    }
  })
}

function namesAfter(what: string, tables: readonly TableSnapshot[]): string[] {
  return tables.length === 0 ? [] : [`${what}: ${tables.map(({ name }) => name).join(', ')}`]
}

function upkeep(snapshot: DatabaseSnapshot): DraftFinding[] {
  const wasted = fragmentation(snapshot).map(({ table, index, wastedBytes, ratio, advice }): DraftFinding => {
    const title = index === undefined ? table : `${index} on ${table}`
    const details = [`${Math.round(ratio * 100)}% of it is unused. ${advice}`]
    return {
      code: 'FRAGMENTATION',
      identity: title,
      severity: 'low',
      title,
      details,
      bytes: wastedBytes,
      ...NOTHING,
    }
  })
  const partitions = partitionRecommendations(snapshot).map(
    ({ table, reason, breaks, ddl }): DraftFinding => {
      return {
        code: 'PARTITION',
        identity: table,
        severity: 'low',
        title: table,
        details: [reason, ...breaks],
        ...NOTHING,
        sql: ddl,
      }
    },
  )
  const connections = poolRecommendations({
    pools: [],
    connections: snapshot.connections,
    instances: 1,
    cpu: 0,
    slowest: [],
  }).map((text): DraftFinding => {
    return {
      code: 'CONNECTIONS',
      identity: text.replaceAll(/\d+/g, 'n'),
      severity: 'medium',
      title: 'connections of the server',
      details: [text],
      ...NOTHING,
    }
  })
  return [...wasted, ...partitions, ...connections]
}
