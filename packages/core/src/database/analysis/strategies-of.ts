import type { DatabaseSnapshot, TableSnapshot } from '../inspectors/database-snapshot.ts'
import type { IndexStrategy } from '../results/index-strategy.ts'
import type { DatabaseAnalysis } from './database-analysis.ts'
import { tableTitle } from './index-title.ts'

/** The indexes that an analysis found for a table. */
export function strategiesOf({ findings }: DatabaseAnalysis, table: TableSnapshot, snapshot: DatabaseSnapshot): IndexStrategy[] {
  return findings.flatMap(({ code, changes: [change], details, statements, bytes = 0, sql = [], upkeep = 0 }): IndexStrategy[] => {
    if (code !== 'MISSING_INDEX' || change?.index.table !== table.id) return []
    const { index, name } = change
    return [
      {
        table: tableTitle(table.id, snapshot),
        columns: index.keys.map(({ column }) => column),
        indexName: name,
        type: index.method === 'gin' || index.method === 'fulltext' ? 'fulltext' : index.method === 'hash' ? 'hash' : 'btree',
        unique: index.isUnique,
        sparse: index.where !== undefined,
        indexSize: bytes,
        reason: details[0] ?? '',
        queries: statements.map(({ fingerprint }) => fingerprint),
        estimatedGain: statements.reduce((sum, { calls, cost }) => sum + (cost === undefined ? 0 : calls * (cost.without - cost.with)), 0),
        writeCost: upkeep,
        ddl: sql.join(';\n'),
        fix: change,
      },
    ]
  })
}
