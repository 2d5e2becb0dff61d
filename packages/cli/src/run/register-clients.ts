/** The clients that `sluice/register` attaches to. */
export const REGISTER_CLIENTS: readonly RegisterClient[] = [
  { client: 'Knex', packageName: 'knex', versions: '^2.0.0 || ^3.0.0' },
]

interface RegisterClient {
  readonly client: string
  /** The npm package whose modules are patched. */
  readonly packageName: string
  /** Supported versions. */
  readonly versions: string
}
