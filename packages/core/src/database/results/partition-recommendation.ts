/** How a large table could be cut by time. */
export interface PartitionRecommendation {
  readonly table: string
  readonly rowCount: number
  /** The column whose time tells the partition; `undefined` where there is no way to partition. */
  readonly column: string | undefined
  readonly strategy: 'quarter' | 'time-range' | 'none'
  readonly reason: string
  /** What to run, in order. */
  readonly ddl: readonly string[]
  /** What stops working, or has to be changed with it. */
  readonly breaks: readonly string[]
}
