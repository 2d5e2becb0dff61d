/** A model of Prisma, and its fields by column. */
export interface ModelName {
  /** As in `db.orm.<path>`. */
  readonly path: readonly [namespace: string, model: string]
  readonly fields: ReadonlyMap<string, string>
}

/** The part of `contract.json` that relates models to tables. */
interface Contract {
  readonly domain?: {
    readonly namespaces?: Readonly<
      Record<string, { readonly models?: Readonly<Record<string, { readonly storage?: ModelStorage }>> }>
    >
  }
}

interface ModelStorage {
  readonly table?: string
  readonly namespaceId?: string
  readonly fields?: Readonly<Record<string, { readonly column?: string }>>
}

interface TableModel extends ModelName {
  readonly table: string | undefined
  readonly schema: string | undefined
}

/** Finds the models of tables in a contract. */
export class ModelNames {
  #models: readonly TableModel[] | undefined

  /** @param contract - `contract.json`, or a contract that was written in TypeScript. */
  constructor(private readonly contract: unknown) {}

  /** `undefined` for a table without a model, and for one with several. */
  of(table: string, schema: string | undefined): ModelName | undefined {
    this.#models ??= modelsOf(Object(this.contract) as Contract)
    const [found, ...others] = this.#models.filter(
      (model) => model.table === table && (schema === undefined || model.schema === schema),
    )
    return others.length === 0 ? found : undefined
  }
}

function modelsOf({ domain }: Contract): readonly TableModel[] {
  return Object.entries(domain?.namespaces ?? {}).flatMap(([namespace, { models = {} }]) =>
    Object.entries(models).map(([name, { storage = {} }]) => ({
      path: [namespace, name],
      table: storage.table,
      schema: storage.namespaceId,
      fields: new Map(
        Object.entries(storage.fields ?? {}).map(([field, { column = '' }]) => [column, field]),
      ),
    })),
  )
}
