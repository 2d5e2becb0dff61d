/** A node of a syntax tree (ESTree with its TypeScript extension). */
export interface Syntax {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly loc?: { readonly start: { readonly line: number } }
  readonly [field: string]: unknown
}

function isSyntax(value: unknown): value is Syntax {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { readonly type?: unknown }).type === 'string'
  )
}

/** The node in a field. */
export function child(node: Syntax | undefined, field: string): Syntax | undefined {
  const value = node?.[field]
  return isSyntax(value) ? value : undefined
}

/** The nodes in a field. */
export function children(node: Syntax | undefined, field: string): readonly Syntax[] {
  const value = node?.[field]
  return Array.isArray(value) ? value.filter(isSyntax) : []
}

export function lineOf(node: Syntax): number {
  return node.loc?.start.line ?? 0
}

const WRAPPERS = new Set([
  'TSAsExpression',
  'TSSatisfiesExpression',
  'TSNonNullExpression',
  'TSTypeAssertion',
  'AwaitExpression',
  'ChainExpression',
])

/** Unwraps an expression from types, `await` and parentheses. */
export function bare(node: Syntax | undefined): Syntax | undefined {
  let inner = node
  while (inner !== undefined && (WRAPPERS.has(inner.type) || inner.type === 'ParenthesizedExpression'))
    inner = child(inner, 'expression') ?? child(inner, 'argument')
  return inner
}

/** The name of an identifier, or the value of a string. */
export function nameOf(node: Syntax | undefined): string | undefined {
  if (node?.type === 'Identifier' && typeof node.name === 'string') return node.name
  return node?.type === 'Literal' && typeof node.value === 'string' ? node.value : undefined
}

/** The node `a` and the name `b` of `a.b`. */
export function memberOf(
  node: Syntax | undefined,
): { readonly object: Syntax; readonly name: string } | undefined {
  const member = bare(node)
  const object = bare(child(member, 'object'))
  const name = nameOf(child(member, 'property'))
  if (
    member?.type !== 'MemberExpression' ||
    member.computed === true ||
    object === undefined ||
    name === undefined
  )
    return undefined
  return { object, name }
}

export function isFunction(node: Syntax): boolean {
  return /^(?:ArrowFunctionExpression|FunctionExpression|FunctionDeclaration)$/.test(node.type)
}

/**
 * Calls `visit` for a node and its descendants, with the ancestors, nearest last. If it returns `false`,
 * skips the descendants.
 */
export function walk(
  node: Syntax,
  visit: (node: Syntax, above: readonly Syntax[]) => boolean | undefined,
  above: readonly Syntax[] = [],
): void {
  if (visit(node, above) === false) return
  const inside = [...above, node]
  for (const value of Object.values(node)) {
    if (Array.isArray(value)) for (const item of value) isSyntax(item) && walk(item, visit, inside)
    else if (isSyntax(value)) walk(value, visit, inside)
  }
}
