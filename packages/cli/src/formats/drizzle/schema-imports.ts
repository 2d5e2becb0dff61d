import { child, children, nameOf, type SourceModule, type Syntax, walk } from '../../source/source-module.ts'

import { appendItem, type TextEdit } from './text-edits.ts'

/** Local names of imported functions, and the edits that import them. */
export interface ImportedNames {
  readonly names: ReadonlyMap<string, string>
  readonly edits: readonly TextEdit[]
}

/**
 * Finds the local names of functions of a package in a file, and adds imports for those that it lacks.
 *
 * @param beside - Package whose import precedes a new one, if the file has no import of `from`.
 * @returns A reason if the file has no import to extend.
 */
export function importNames(
  module: SourceModule,
  from: string,
  required: readonly string[],
  beside: string,
): ImportedNames | { readonly why: string } {
  const names = new Map<string, string>()
  const missing: string[] = []
  for (const name of required) {
    const local = localName(module, from, name)
    if (local === undefined) missing.push(name)
    else names.set(name, local)
  }
  if (missing.length === 0) return { names, edits: [] }
  const items = missing.map((name) => {
    const local = isTaken(module, name) ? `drizzle${name[0]?.toUpperCase()}${name.slice(1)}` : name
    names.set(name, local)
    return local === name ? name : `${name} as ${local}`
  })
  const own = importsOf(module, from).find((node) =>
    children(node, 'specifiers').some(({ type }) => type === 'ImportSpecifier'),
  )
  if (own !== undefined) return { names, edits: specifiersEdits(module.text, own, items) }
  const [neighbor] = importsOf(module, beside)
  if (neighbor === undefined)
    return { why: `The file ${module.path} does not import ${beside} with an import declaration.` }
  const source = child(neighbor, 'source')
  const quote = source === undefined ? "'" : (module.text[source.start] ?? "'")
  const end = module.text[neighbor.end - 1] === ';' ? ';' : ''
  const text = `import { ${items.join(', ')} } from ${quote}${from}${quote}${end}\n`
  return { names, edits: [{ start: neighbor.start, end: neighbor.start, text }] }
}

function specifiersEdits(text: string, declaration: Syntax, items: readonly string[]): TextEdit[] {
  const specifiers = children(declaration, 'specifiers').filter(({ type }) => type === 'ImportSpecifier')
  const first = specifiers[0]
  const braces = { ...declaration, start: text.lastIndexOf('{', first?.start ?? declaration.start) }
  return appendItem(text, braces, specifiers, items.join(', '))
}

/** The import declarations of values of a package. */
function importsOf(module: SourceModule, from: string): Syntax[] {
  return children(module.program, 'body').filter(
    (node) =>
      node.type === 'ImportDeclaration' &&
      node.importKind !== 'type' &&
      nameOf(child(node, 'source')) === from,
  )
}

/** The name by which a file calls a function of a package. */
function localName(module: SourceModule, from: string, name: string): string | undefined {
  for (const [local, binding] of module.bindings) {
    if (binding.kind !== 'import' || binding.from !== from) continue
    if (binding.name === name) return local
    if (binding.name === '*') return `${local}.${name}`
  }
  return undefined
}

/** Whether a file uses a name for something else. */
function isTaken(module: SourceModule, name: string): boolean {
  let isFound = false
  walk(module.program, (node, above) => {
    const parent = above.at(-1)
    const isMember =
      parent?.type === 'MemberExpression' && parent.property === node && parent.computed !== true
    const isKey = parent?.type === 'Property' && parent.key === node && parent.shorthand !== true
    if (node.type === 'Identifier' && nameOf(node) === name && !isMember && !isKey) isFound = true
    return isFound ? false : undefined
  })
  return isFound
}
