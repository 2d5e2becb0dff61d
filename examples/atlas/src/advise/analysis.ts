/** The part of `sluice analyze --json` that is read here. */
export interface Analysis {
  readonly database: { readonly product: string; readonly version: string }
  readonly validation: string
  readonly tookMs: number
  readonly findings: readonly Finding[]
}

interface Finding {
  readonly code: string
  readonly title: string
  readonly savedShare?: number
  readonly changes: readonly {
    readonly name: string
    readonly index: { readonly table: string; readonly keys: readonly { readonly column: string }[] }
  }[]
  readonly statements: readonly { readonly fingerprint: string }[]
  readonly sql?: readonly string[]
}

/** An index that was advised. */
export interface AdvisedIndex {
  readonly name: string
  readonly title: string
  readonly table: string
  readonly columns: readonly string[]
  readonly savedShare: number
  readonly fingerprints: readonly string[]
  readonly sql: readonly string[]
}

export function advisedIndexes({ findings }: Analysis): AdvisedIndex[] {
  return findings
    .filter(({ code }) => code === 'MISSING_INDEX')
    .flatMap(({ title, savedShare = 0, changes, statements, sql = [] }) =>
      changes.map(({ name, index }) => ({
        name,
        title,
        table: index.table.split('.').at(-1) ?? index.table,
        columns: index.keys.map(({ column }) => column),
        savedShare,
        fingerprints: statements.map(({ fingerprint }) => fingerprint),
        sql,
      })),
    )
}
