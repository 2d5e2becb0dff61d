import type { DatabaseFacts, NamedTable } from '../database-facts.ts'

type Product = DatabaseFacts['product']

export function quoteName(product: Product, name: string): string {
  const mark = product === 'mysql' || product === 'mariadb' ? '`' : '"'
  return `${mark}${name.replaceAll(mark, mark + mark)}${mark}`
}

/** A name in the schema of a table, which is written only where it is not the default one. */
export function quoteIn(product: Product, { schema, isInDefaultSchema }: NamedTable, name: string): string {
  return isInDefaultSchema ? quoteName(product, name) : `${quoteName(product, schema)}.${quoteName(product, name)}`
}
