import type { SchemaChange } from './fix.ts'

/** `add_city_region_id_idx`: a part of a file's name. */
export function migrationName(changes: readonly SchemaChange[]): string {
  const [first, ...rest] = changes
  if (first === undefined) return 'no_changes'
  const name = `${first.kind === 'create-index' ? 'add' : 'drop'}_${first.name}`
  return rest.length === 0 ? fileName(name) : `${fileName(name)}_and_${rest.length}_more`
}

/** A name in letters, digits and underscores, of at most 100 characters. */
export function fileName(name: string): string {
  const plain = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
  return plain.slice(0, 100)
}
