import { analyzeSql, type Dialect, type QueryAnalysis } from '@sluice/core'

const DIALECTS: readonly Dialect[] = ['postgresql', 'mysql', 'sqlite']

/** A slow statement without the values that the app wrote into its text. */
export function slowQuery(analysis: QueryAnalysis): QueryAnalysis {
  const { query, fingerprint } = analysis
  const known = DIALECTS.map((dialect) => analyzeSql(query, dialect)).find((analyzed) => analyzed.fingerprint === fingerprint)
  return { ...analysis, query: known?.shape ?? `statement ${fingerprint}` }
}
