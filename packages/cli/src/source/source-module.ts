import { bare, child, children, isFunction, memberOf, nameOf, type Syntax, walk } from './syntax.ts'

/** What a name of a file stands for. */
export type Binding =
  /** Of another file or package: `*` stands for all of it. */
  | { readonly kind: 'import'; readonly from: string; readonly name: string }
  /** A function, a class, or what a variable was initialised with. */
  | { readonly kind: 'value'; readonly node: Syntax }

/** One file as far as its names can be told apart. */
export interface SourceModule {
  /** Relative to the project, with `/`. */
  readonly path: string
  readonly text: string
  readonly program: Syntax
  /** Names that the file declares once. Those that it declares several times, or assigns to, are not known: which one is meant would have to be found out. */
  readonly bindings: ReadonlyMap<string, Binding>
  /** Names that others import, each by the name that it has in the file; `default` may be an expression. */
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
      { ImportDefaultSpecifier: 'default', ImportNamespaceSpecifier: '*' }[specifier.type] ?? nameOf(child(specifier, 'imported')) ?? '*'
    declare(nameOf(child(specifier, 'local')), { kind: 'import', from, name })
  }
}

function declareVariable(node: Syntax, declare: Declare): void {
  const id = child(node, 'id')
  const init = bare(child(node, 'init'))
  const from = requiredBy(init)
  if (id?.type === 'Identifier') {
    declare(nameOf(id), from !== undefined ? { kind: 'import', from, name: '*' } : init && { kind: 'value', node: init })
  } else if (id?.type === 'ObjectPattern' && from !== undefined) {
    for (const property of children(id, 'properties')) {
      const name = nameOf(child(property, 'key'))
      declare(nameOf(child(property, 'value')), name === undefined ? undefined : { kind: 'import', from, name })
    }
  } else if (id !== undefined) declarePattern(id, declare)
}

/** Names that are given by a caller, or taken out of what is not followed. */
function declarePattern(pattern: Syntax, declare: Declare): void {
  walk(pattern, (node, above) => {
    if (isFunction(node)) return false
    const parent = above.at(-1)
    const isKey = parent?.type === 'Property' && parent.key === node && parent.shorthand !== true
    // A shorthand is there twice, as the key and as the value.
    const isTwice = parent?.type === 'Property' && parent.shorthand === true && parent.key === node
    if (node.type === 'Identifier' && !isKey && !isTwice) declare(nameOf(node), undefined)
    return !node.type.startsWith('TS') || node.type === 'TSParameterProperty'
  })
}

/** Of `require('x')`: `x`. */
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
    for (const name of [declaration, ...children(declaration, 'declarations')].map((node) => nameOf(child(node, 'id'))))
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
  } else if (nameOf(target.object) === 'exports' || memberOf(target.object)?.name === 'exports') exports.set(target.name, binding)
}

export type ParseSource = (path: string, text: string) => Syntax

/** Loads a parser for JavaScript and TypeScript: when it is needed, since most commands do not. It throws a SyntaxError for what it cannot read. */
export async function loadParser(): Promise<ParseSource> {
  const [{ Parser }, { tsPlugin }] = await Promise.all([import('acorn'), import('@sveltejs/acorn-typescript')])
  const plain = Parser.extend(tsPlugin())
  const withJsx = Parser.extend(tsPlugin({ jsx: true }))
  return (path, text) =>
    // `<T>value` is a type in a .ts file, and an element elsewhere.
    (/\.[cm]?ts$/.test(path) ? plain : withJsx).parse(text, {
      ecmaVersion: 'latest',
      sourceType: 'module',
      locations: true,
      allowHashBang: true,
      allowReturnOutsideFunction: true,
    }) as unknown as Syntax
}
