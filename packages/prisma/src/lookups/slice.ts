/** The rows from `skip` on, `take` of them, of each key, in an order that leaves no two of them in doubt. */
export interface Slice {
  readonly skip: number
  readonly take: number
}
