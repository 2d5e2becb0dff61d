/** The definition of a name in a file. */
export type Binding =
  /** An import from another file or package. `*` is the whole module. */
  | { readonly kind: 'import'; readonly from: string; readonly name: string }
  /** A function, a class, or the initial value of a variable. */
  | { readonly kind: 'value'; readonly node: Syntax }

/** A parsed file with the names that have a known definition. */
export interface SourceModule {
  /** Relative to the project, with `/`. */
  readonly path: string
  readonly text: string
  readonly program: Syntax
  /**
   * Names that the file declares exactly once and never assigns. Other names would require a scope analysis.
   */
  readonly bindings: ReadonlyMap<string, Binding>
  /** Exported names with their name in the file. `default` can be an expression. */
  readonly exports: ReadonlyMap<string, Binding | string>
}

export function sourceModule(path: string, text: string, program: Syntax): SourceModule {
  const found = new Map<string, Binding | undefined>()
  const exports = new Map<string, Binding | string>()
  const declare = (name: string | undefined, binding: Binding | undefined) => {
    if (name !== undefined) found.set(name, found.has(name) ? undefined : binding)
  }
  walk(program, (node) => {
    if (node.type === 'ImportDeclaration') declareImports(node, declare)
    else if (node.type === 'VariableDeclarator') declareVariable(node, declare)
    else if (node.type === 'FunctionDeclaration' || node.type === 'ClassDeclaration')
      declare(nameOf(child(node, 'id')), { kind: 'value', node })
    else if (node.type === 'AssignmentExpression') declare(nameOf(child(node, 'left')), undefined)
    if (isFunction(node)) for (const parameter of children(node, 'params')) declarePattern(parameter, declare)
    return undefined
  })
  for (const statement of children(program, 'body')) readExports(statement, exports)
  const bindings = new Map([...found].filter((entry): entry is [string, Binding] => entry[1] !== undefined))
  return { path, text, program, bindings, exports }
}

type Declare = (name: string | undefined, binding: Binding | undefined) => void

function declareImports(node: Syntax, declare: Declare): void {
  const from = nameOf(child(node, 'source')) ?? ''
  for (const specifier of children(node, 'specifiers')) {
    const name =
      { ImportDefaultSpecifier: 'default', ImportNamespaceSpecifier: '*' }[specifier.type] ??
      nameOf(child(specifier, 'imported')) ??
      '*'
    declare(nameOf(child(specifier, 'local')), { kind: 'import', from, name })
  }
}

function declareVariable(node: Syntax, declare: Declare): void {
  const id = child(node, 'id')
  const init = bare(child(node, 'init'))
  const from = requiredBy(init)
  if (id?.type === 'Identifier') {
    declare(
      nameOf(id),
      from !== undefined ? { kind: 'import', from, name: '*' } : init && { kind: 'value', node: init },
    )
  } else if (id?.type === 'ObjectPattern' && from !== undefined) {
    for (const property of children(id, 'properties')) {
      const name = nameOf(child(property, 'key'))
      declare(
        nameOf(child(property, 'value')),
        name === undefined ? undefined : { kind: 'import', from, name },
      )
    }
  } else if (id !== undefined) declarePattern(id, declare)
}

/** Marks the names in a parameter or a destructuring pattern as unknown. */
function declarePattern(pattern: Syntax, declare: Declare): void {
  walk(pattern, (node, above) => {
    if (isFunction(node)) return false
    const parent = above.at(-1)
    const isKey = parent?.type === 'Property' && parent.key === node && parent.shorthand !== true
    // A shorthand property occurs twice in the tree, as the key and as the value.
    const isTwice = parent?.type === 'Property' && parent.shorthand === true && parent.key === node
    if (node.type === 'Identifier' && !isKey && !isTwice) declare(nameOf(node), undefined)
    return !node.type.startsWith('TS') || node.type === 'TSParameterProperty'
  })
}

/** The `x` in `require('x')`. */
function requiredBy(node: Syntax | undefined): string | undefined {
  if (node?.type !== 'CallExpression' || nameOf(child(node, 'callee')) !== 'require') return undefined
  return nameOf(children(node, 'arguments')[0])
}

function readExports(statement: Syntax, exports: Map<string, Binding | string>): void {
  if (statement.type === 'ExportDefaultDeclaration') {
    const value = bare(child(statement, 'declaration'))
    const name = nameOf(value)
    if (name !== undefined) exports.set('default', name)
    else if (value !== undefined) exports.set('default', { kind: 'value', node: value })
  } else if (statement.type === 'ExportNamedDeclaration') {
    const from = nameOf(child(statement, 'source'))
    for (const specifier of children(statement, 'specifiers')) {
      const local = nameOf(child(specifier, 'local'))
      const exported = nameOf(child(specifier, 'exported'))
      if (local !== undefined && exported !== undefined)
        exports.set(exported, from === undefined ? local : { kind: 'import', from, name: local })
    }
    const declaration = child(statement, 'declaration')
    for (const name of [declaration, ...children(declaration, 'declarations')].map((node) =>
      nameOf(child(node, 'id')),
    ))
      if (name !== undefined) exports.set(name, name)
  } else if (statement.type === 'ExpressionStatement') readCommonJs(child(statement, 'expression'), exports)
}

/** `module.exports = x`, `module.exports = { x }`, `exports.x = x`. */
function readCommonJs(node: Syntax | undefined, exports: Map<string, Binding | string>): void {
  if (node?.type !== 'AssignmentExpression') return
  const target = memberOf(child(node, 'left'))
  const value = bare(child(node, 'right'))
  if (target === undefined || value === undefined) return
  const binding = nameOf(value) ?? ({ kind: 'value', node: value } as const)
  const isWhole = nameOf(target.object) === 'module' && target.name === 'exports'
  if (isWhole) {
    exports.set('default', binding)
    exports.set('*', binding)
  } else if (nameOf(target.object) === 'exports' || memberOf(target.object)?.name === 'exports')
    exports.set(target.name, binding)
}

export type ParseSource = (path: string, text: string) => Syntax

/**
 * Loads a parser for JavaScript and TypeScript on demand. It throws a SyntaxError if it cannot parse a file.
 */
export async function loadParser(): Promise<ParseSource> {
  const [{ Parser }, { tsPlugin }] = await Promise.all([
    import('acorn'),
    import('@sveltejs/acorn-typescript'),
  ])
  const plain = Parser.extend(tsPlugin())
  const withJsx = Parser.extend(tsPlugin({ jsx: true }))
  return (path, text) =>
    // `<T>value` is a type assertion in a .ts file, and a JSX element in other files.
    (/\.[cm]?ts$/.test(path) ? plain : withJsx).parse(text, {
      ecmaVersion: 'latest',
      sourceType: 'module',
      locations: true,
      allowHashBang: true,
      allowReturnOutsideFunction: true,
    }) as unknown as Syntax
}

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
